//! What cannot be read from the cluster, and the permission that reading it requires.

use super::Connection;

/// What was read, or why it cannot be read.
pub type ReadResult<T> = Result<T, ReadError>;

/// Something that cannot be read from the cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {attempt}: {reason}")]
pub struct ReadError {
    /// What failed, for example `read the webhook's Pods`.
    pub attempt: String,
    /// Why: the missing permission, or URL, cause and fix.
    pub reason: String,
}

impl ReadError {
    /// A call failed that is part of `attempt` and requires `permission`, for example `get on pods`.
    pub(super) fn new(connection: &Connection, attempt: &str, permission: &str, error: &kube::Error) -> Self {
        let is_forbidden = matches!(error, kube::Error::Api(status) if status.is_forbidden());
        let reason = if is_forbidden { format!("needs {permission}") } else { connection.explain(error) };
        Self { attempt: attempt.to_owned(), reason }
    }
}
