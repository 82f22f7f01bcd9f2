//! What cannot be read from the cluster, and the permission that reading it requires.

use super::client::describe;

/// What was read, or why it cannot be read.
pub type Reading<T> = Result<T, ReadError>;

/// Something that cannot be read from the cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} could not be examined: {reason}")]
pub struct ReadError {
    /// What stays unknown.
    pub what: String,
    /// Why: the missing permission, or the API server's response.
    pub reason: String,
}

impl ReadError {
    /// `what` is unknown because a call failed that requires `permission`, for example `get on pods`.
    pub(super) fn new(what: &str, permission: &str, error: &kube::Error) -> Self {
        let is_forbidden = matches!(error, kube::Error::Api(status) if status.is_forbidden());
        let reason = if is_forbidden {
            format!("needs {permission}")
        } else {
            format!("{permission} failed: {}", describe(error))
        };
        Self { what: what.to_owned(), reason }
    }
}
