//! The error for JSON that does not have the shape that Kubernetes defines for its kind.

use jsonptr::PointerBuf;
use serde::de::DeserializeSeed;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// The JSON of an object does not have the shape that Kubernetes defines for its kind. Never contains a value of the
/// JSON.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ShapeError {
    /// JSON pointer to the wrong value.
    pub at: PointerBuf,
    /// What is wrong there, without the value.
    pub message: &'static str,
}

/// Deserializes `json` again with path tracking, after it failed without, and returns where and why it fails.
pub fn find_shape_error<'de, S: DeserializeSeed<'de>>(json: &'de str, seed: S) -> ShapeError {
    let mut track = serde_path_to_error::Track::new();
    let mut reader = serde_json::Deserializer::from_str(json);
    let result = seed.deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
    // serde's own message quotes the value, so only the path and the category of the error are used
    let message = match result.map(|_| ()).map_err(|error| error.classify()) {
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
