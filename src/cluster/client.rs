//! How the API server is reached.

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::Path;
use std::time::Duration;

/// How long a single call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may bring nothing. Watches end before, by [`WATCH_SECONDS`], so a connection that died silently
/// is noticed by this at the latest.
const READ_TIMEOUT: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 30);

/// How long the API server keeps a watch open before it is asked for again.
pub(super) const WATCH_SECONDS: u32 = 120;

/// An API server that can't be reached. It names the place, and never a credential.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig can't be used.
    #[error("the kubeconfig {path} cannot be used: {}", unusable(cause))]
    Kubeconfig {
        /// Which file.
        path: String,
        /// What is wrong with it.
        cause: KubeconfigError,
    },
    /// We are in no Pod, and no kubeconfig was given.
    #[error("no cluster to look at: this is no Pod with a ServiceAccount ({0}); name one with --kubeconfig")]
    NoCluster(kube::config::InClusterError),
    /// The client can't be set up: a certificate or key of the configuration can't be read.
    #[error("cannot set up the client of the API server: {0}")]
    Client(kube::Error),
}

/// A client of the API server of `kubeconfig` (its current context), else of the cluster that this process is a Pod of.
///
/// Nothing is sent yet.
///
/// # Errors
/// A configuration that can't be read or used.
pub async fn client(kubeconfig: Option<&Path>) -> Result<Client, ClusterError> {
    let mut config = match kubeconfig {
        None => Config::incluster().map_err(ClusterError::NoCluster)?,
        Some(path) => {
            let refuse = |cause| ClusterError::Kubeconfig { path: path.display().to_string(), cause };
            let kubeconfig = Kubeconfig::read_from(path).map_err(refuse)?;
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(refuse)?
        }
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    Client::try_from(config).map_err(ClusterError::Client)
}

/// The outcome of a call, or an error if it takes longer than [`CALL_TIMEOUT`].
pub(super) async fn within_time<T>(call: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    within(CALL_TIMEOUT, call).await
}

/// The outcome of a call, or an error if it takes longer than `limit`.
pub(super) async fn within<T>(limit: Duration, call: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|elapsed| Err(kube::Error::Service(elapsed.into())))
}

/// Did somebody else write in between?
pub(super) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Why a call failed. A text that could not be read is not quoted.
pub(super) fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("the API server says {} {}", status.code, status.reason),
        kube::Error::SerdeError(_) => "an answer of the API server could not be read".to_owned(),
        other => format!("the API server was not reached: {other}"),
    }
}

/// What is wrong with a kubeconfig, without the text of it that a parser would quote.
fn unusable(cause: &KubeconfigError) -> String {
    match cause {
        KubeconfigError::Parse(_) => "it is no kubeconfig in YAML".to_owned(),
        other => other.to_string(),
    }
}
