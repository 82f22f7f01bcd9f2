//! Calls of the API server, with time limits.

use super::NAME;
use kube::api::PostParams;
use std::time::Duration;

/// The longest time for a single call.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time to open a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time without data on a connection. Watches end earlier, after [`WATCH_SECONDS`], so this detects a
/// connection that is dead without an error.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 30);

/// After how many seconds at most the API server ends a watch, which is then started again.
pub(super) const WATCH_SECONDS: u32 = 60;

/// The result of a call, or an error after [`CALL_TIMEOUT`].
pub(super) async fn with_timeout<T>(call: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    with_timeout_of(CALL_TIMEOUT, call).await
}

/// The result of a call, or an error after `limit`.
pub(super) async fn with_timeout_of<T>(
    limit: Duration,
    call: impl Future<Output = kube::Result<T>>,
) -> kube::Result<T> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|elapsed| Err(kube::Error::Service(elapsed.into())))
}

/// The parameters of a write, with our name as the field manager.
pub(super) fn post_parameters() -> PostParams {
    PostParams { field_manager: Some(NAME.to_owned()), ..PostParams::default() }
}

/// Whether another client wrote the object after it was read.
pub(super) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Why a call of the watch or of the certificate rotation failed. A response is not quoted. That the API server cannot be
/// reached is explained once, in the log of its [`Connection`](super::Connection).
pub(super) fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("the API server answered {} {}", status.code, status.reason),
        kube::Error::SerdeError(_) => "a response of the API server cannot be decoded".to_owned(),
        _ => "the API server cannot be reached".to_owned(),
    }
}
