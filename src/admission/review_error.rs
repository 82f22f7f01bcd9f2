//! Bodies that are no reviews, and what is wrong with them.

use crate::gateway::json::shape_error::fault;
use crate::policy::dotted;
use serde::Deserialize;
use serde_json::error::Category;
use std::marker::PhantomData;

/// A body that is no review that can be answered. It names the place and never a value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{place}: {message}")]
pub struct ReviewError {
    /// Where in the body: a path, or line and column.
    pub place: String,
    /// What is wrong there, and what was expected.
    pub message: String,
}

/// Reads `json` once; only if that fails, a second time with the path, so that a good review doesn't pay for it.
pub(super) fn decoded<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ReviewError> {
    serde_json::from_str(json).map_err(|error| match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            let place = format!("line {} column {}", error.line(), error.column());
            ReviewError { place, message: "the body is not JSON, or ends too early".to_owned() }
        }
        Category::Data => {
            let shape_error = fault(json, PhantomData::<T>);
            let place = if shape_error.at.is_root() { "body".to_owned() } else { dotted(&shape_error.at) };
            ReviewError { place, message: of_field(&error).unwrap_or_else(|| shape_error.message.to_owned()) }
        }
    })
}

/// What serde says of a missing or repeated field, which names the field alone; its other messages quote values.
fn of_field(error: &serde_json::Error) -> Option<String> {
    let message = error.to_string();
    let field = |start: &str| message.strip_prefix(start)?.split('`').next().map(str::to_owned);
    match (field("missing field `"), field("duplicate field `")) {
        (Some(field), _) => Some(format!("the field {field} is missing")),
        (_, Some(field)) => Some(format!("the field {field} stands here a second time")),
        _ => None,
    }
}
