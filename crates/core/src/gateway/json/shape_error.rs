//! The error for JSON that does not have the shape that Kubernetes defines for its kind.

use crate::gateway::well_known::USE;
use jsonptr::PointerBuf;
use serde::de::DeserializeSeed;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// The message for the label of workload identity without quotes.
const USE_IN_QUOTES: &str = "must be a string: write \"true\" in quotes, the only value that injects an identity";

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
    let at = pointer(&track.path());
    let message = match result.map(|_| ()).map_err(|error| (error.classify(), error.to_string())) {
        Err((Category::Syntax | Category::Eof, _)) => "is not JSON that can be read",
        Err((Category::Data, message)) if message.contains("expected a string") => {
            let value: Option<Value> = serde_json::from_str(json).ok();
            let value = value.as_ref().and_then(|value| at.resolve(value).ok());
            let is_use = at.back().is_some_and(|key| key.decoded() == USE);
            // with another text, such as `yes` in quotes, no identity is injected
            if is_use && value == Some(&Value::Bool(true)) { USE_IN_QUOTES } else { not_a_string(value) }
        }
        Err((_, message)) if message.contains("expected a mapping") => "must be a mapping",
        Err((_, message)) if message.contains("expected a list") => "must be a list",
        Ok(()) | Err((Category::Data | Category::Io, _)) => "is not of the type that Kubernetes expects here",
    };
    ShapeError { at, message }
}

/// The message for a value that must be a string. YAML reads `true` and `42` without quotes as another type.
fn not_a_string(value: Option<&Value>) -> &'static str {
    match value {
        // YAML reads `yes` and `on` as true
        Some(Value::Bool(true)) => {
            "must be a string: put the value in quotes as it is written, such as \"true\" or \"yes\""
        }
        Some(Value::Bool(false)) => {
            "must be a string: put the value in quotes as it is written, such as \"false\" or \"off\""
        }
        Some(Value::Number(_)) => "must be a string: put the number in quotes",
        _ => "must be a string",
    }
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
