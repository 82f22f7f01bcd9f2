//! The client of the API server.

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::Path;
use std::time::Duration;

/// The longest time for a single call.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time without data on a connection. Watches end earlier, after [`WATCH_SECONDS`], so this detects a
/// connection that is dead without an error.
const READ_TIMEOUT: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 30);

/// After how many seconds the API server ends a watch, which is then started again.
pub(super) const WATCH_SECONDS: u32 = 120;

/// Why there is no client of the API server. The message never contains a credential.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig {path} cannot be used: {}", kubeconfig_error(cause))]
    Kubeconfig {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: KubeconfigError,
    },
    /// This process does not run in a Pod, and no kubeconfig was given.
    #[error("no cluster: this process does not run in a Pod with a ServiceAccount ({0}); set --kubeconfig")]
    NoCluster(kube::config::InClusterError),
    /// The client cannot be created: a certificate or key in the configuration cannot be read.
    #[error("cannot create the client of the API server: {0}")]
    Client(kube::Error),
}

/// A client for the current context of `kubeconfig`, or without one for the cluster that this process runs in.
///
/// Sends no request yet.
///
/// # Errors
/// The configuration cannot be read or used.
pub async fn client(kubeconfig: Option<&Path>) -> Result<Client, ClusterError> {
    let mut config = match kubeconfig {
        None => Config::incluster().map_err(ClusterError::NoCluster)?,
        Some(path) => {
            let unusable = |cause| ClusterError::Kubeconfig { path: path.display().to_string(), cause };
            let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(unusable)?
        }
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    Client::try_from(config).map_err(ClusterError::Client)
}

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

/// Whether another client wrote the object after it was read.
pub(super) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Why a call failed. A response that cannot be decoded is not quoted.
pub(super) fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("the API server answered {} {}", status.code, status.reason),
        kube::Error::SerdeError(_) => "a response of the API server cannot be decoded".to_owned(),
        other => format!("the API server was not reached: {other}"),
    }
}

/// Why a kubeconfig cannot be used. The parser's message is dropped, because it quotes the file.
fn kubeconfig_error(cause: &KubeconfigError) -> String {
    match cause {
        KubeconfigError::Parse(_) => "it is not a kubeconfig in YAML".to_owned(),
        other => other.to_string(),
    }
}
