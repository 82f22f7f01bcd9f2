//! Why a watch or a list failed.

use crate::cluster::client::describe;
use crate::cluster::connection::is_unreachable;
use kube::runtime::watcher;

/// Why a watch or a list failed.
#[derive(Clone, Debug)]
pub(super) struct WatchFailure {
    /// The reason, for the log.
    pub(super) reason: String,
    /// Whether there was no response. The connection logs why.
    pub(super) is_unreachable: bool,
}

impl WatchFailure {
    /// Nothing was received for too long.
    pub(super) fn stale() -> Self {
        Self { reason: "the API server has sent nothing for --cache-stale-after".to_owned(), is_unreachable: false }
    }

    /// A call failed.
    pub(super) fn of_call(error: &kube::Error) -> Self {
        Self { reason: describe(error), is_unreachable: is_unreachable(error) }
    }

    /// A watch failed.
    pub(super) fn of_watch(error: &watcher::Error) -> Self {
        use watcher::Error::{InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed};
        let answered = |reason| Self { reason, is_unreachable: false };
        match error {
            InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => Self::of_call(error),
            WatchError(status) => answered(format!("the API server answered {} {}", status.code, status.reason)),
            NoResourceVersion => answered("a response of the API server has no resourceVersion".to_owned()),
        }
    }
}
