//! Errors of bodies that are not valid reviews.

use super::bounded::shortened;
use apim_keyless_core::gateway::json::shape_error::find_shape_error;
use apim_keyless_core::policy::dotted;
use serde::Deserialize;
use serde_json::error::Category;
use std::marker::PhantomData;

/// Length limit of a location, in bytes: a path contains the names of members, which may have any length.
const LOCATION_BYTES: usize = 1024;

/// A body that is not a valid review. The message names the location and never a value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{location}: {message}")]
pub struct ReviewError {
    /// The location in the body: a path, or line and column.
    pub location: String,
    /// What to send there, and what is wrong.
    pub message: String,
}

/// Deserializes `json`. Only after a failure it is read a second time to find the path, so that valid reviews do not pay
/// for it.
pub(super) fn decoded<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ReviewError> {
    serde_json::from_str(json).map_err(|error| match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            let location = format!("line {} column {}", error.line(), error.column());
            ReviewError {
                location,
                message: "Send a complete JSON document: the body is not JSON, or ends too early".to_owned(),
            }
        }
        Category::Data => {
            let shape_error = find_shape_error(json, PhantomData::<T>);
            let location = if shape_error.at.is_root() { "body".to_owned() } else { dotted(&shape_error.at) };
            let location = shortened(&location, LOCATION_BYTES).into_owned();
            ReviewError { location, message: of_field(&error).unwrap_or_else(|| shape_error.message.to_owned()) }
        }
    })
}

/// Serde's message about a missing or duplicate field, which names only the field; its other messages quote values.
fn of_field(error: &serde_json::Error) -> Option<String> {
    let message = error.to_string();
    let field = |start: &str| message.strip_prefix(start)?.split('`').next().map(str::to_owned);
    match (field("missing field `"), field("duplicate field `")) {
        (Some(field), _) => Some(format!("Add the field {field}: it is missing")),
        (_, Some(field)) => Some(format!("Remove the duplicate of field {field}: it occurs twice here")),
        _ => None,
    }
}
