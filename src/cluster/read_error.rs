//! What could not be read, and the right that it takes.

use super::client::describe;

/// What was read, or why it could not be.
pub type Reading<T> = Result<T, ReadError>;

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} could not be examined: {reason}")]
pub struct ReadError {
    /// What is not known therefore.
    pub what: String,
    /// Why: a right that is missing, or what the API server says.
    pub reason: String,
}

impl ReadError {
    /// Why `what` is not known: a call failed that takes `right`, as `get on pods` say.
    pub(super) fn because(what: &str, right: &str, error: &kube::Error) -> Self {
        let is_forbidden = matches!(error, kube::Error::Api(status) if status.is_forbidden());
        let reason =
            if is_forbidden { format!("needs {right}") } else { format!("{right} failed: {}", describe(error)) };
        Self { what: what.to_owned(), reason }
    }
}
