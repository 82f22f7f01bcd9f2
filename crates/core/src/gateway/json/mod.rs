//! Reads the JSON of an object: whole into typed views, or only the values at given JSON pointers.

pub mod go_json;
pub mod pointer_seed;
mod projection;
pub mod shape_error;
pub(super) mod type_meta;

pub use shape_error::ShapeError;

use jsonptr::Pointer;
use pointer_seed::text_at;
use projection::project;
use serde_json::Value;
use std::borrow::Cow;

/// The JSON text of an object. Nothing is parsed until a method asks for it.
pub struct ObjectJson<'a> {
    text: Cow<'a, str>,
    object: &'static Pointer,
}

impl<'a> ObjectJson<'a> {
    /// An object whose JSON is the whole text.
    pub fn from_text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), object: Pointer::root() }
    }

    /// The object at the JSON pointer `object` of a larger JSON text, such as `/request/object` of an
    /// `AdmissionReview`.
    pub fn at_pointer(text: &'a str, object: &'static Pointer) -> Self {
        Self { text: Cow::Borrowed(text), object }
    }

    /// Its length in bytes; of a part of a larger text, that of the whole text.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// The unchanged JSON text of the value at `pointer` of the object.
    pub(super) fn text_at(&self, pointer: &Pointer) -> Option<&str> {
        text_at(&self.text, &self.object.concat(pointer))
    }

    /// The object reduced to the members and elements on the paths to `pointers`.
    pub(super) fn project<'p>(&self, pointers: impl IntoIterator<Item = &'p Pointer>) -> Option<Value> {
        project(&self.text, self.object, pointers)
    }
}
