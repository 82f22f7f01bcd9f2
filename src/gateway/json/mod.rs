//! Where the JSON of an object stands.

pub(crate) mod go_json;
pub(crate) mod pointer_seed;
mod projection;
pub(crate) mod shape_error;
pub(super) mod type_meta;

pub use shape_error::ShapeError;

use jsonptr::Pointer;
use pointer_seed::text_at;
use projection::project;
use serde_json::Value;
use std::borrow::Cow;

/// The JSON of an object, of which what is asked for is read when it is asked for.
pub struct ObjectJson<'a> {
    text: Cow<'a, str>,
    object: &'static Pointer,
}

impl<'a> ObjectJson<'a> {
    /// An object that is a text of its own.
    pub fn alone(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), object: Pointer::root() }
    }

    /// The object that stands at `object` of other JSON.
    pub fn within(text: &'a str, object: &'static Pointer) -> Self {
        Self { text: Cow::Borrowed(text), object }
    }

    /// What stands at a place of the object, as it is written.
    pub(super) fn text_at(&self, place: &Pointer) -> Option<&str> {
        text_at(&self.text, &self.object.concat(place))
    }

    /// The object with nothing but what leads to `places`.
    pub(super) fn project<'p>(&self, places: impl IntoIterator<Item = &'p Pointer>) -> Option<Value> {
        project(&self.text, self.object, places)
    }
}
