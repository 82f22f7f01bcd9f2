//! JSON that is not of the shape it ought to be, and where.

use jsonptr::PointerBuf;
use serde::de::DeserializeSeed;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// An object whose JSON is not of the shape that Kubernetes gives its kind. It never holds a value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ShapeError {
    /// Where the shape is wrong.
    pub at: PointerBuf,
    /// What is wrong there, without the value.
    pub message: &'static str,
}

/// What is wrong with JSON that could not be read.
pub(crate) fn fault<'de, S: DeserializeSeed<'de>>(json: &'de str, seed: S) -> ShapeError {
    let mut track = serde_path_to_error::Track::new();
    let mut reader = serde_json::Deserializer::from_str(json);
    let again = seed.deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
    // serde's own message quotes the value, so only the place of it is used
    let message = match again.map(|_| ()).map_err(|error| error.classify()) {
        Ok(()) | Err(Category::Data | Category::Io) => "is not of the type that Kubernetes expects here",
        Err(Category::Syntax | Category::Eof) => "is not JSON that can be read",
    };
    ShapeError { at: pointer(&track.path()), message }
}

fn pointer(path: &Path) -> PointerBuf {
    let mut at = PointerBuf::root();
    for segment in path {
        match segment {
            Segment::Seq { index } => at.push_back(*index),
            Segment::Map { key } => at.push_back(key.as_str()),
            Segment::Enum { .. } | Segment::Unknown => break,
        }
    }
    at
}
