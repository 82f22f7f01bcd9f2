//! One way to reach a cluster, and to explain why it cannot be reached: for every command.
//!
//! [`Connection::open`] finds the cluster as kubectl does and creates a client. [`Connection::explain`] names URL, cause
//! and fix of a failed call.

mod address;
mod credentials;
mod error;
mod kubeconfig;
mod outage;
mod outside;
mod server_description;
mod transport;

pub use error::ConnectionError;
pub(super) use outage::Repetitions;
pub use outside::{OutsideResponse, OutsideServers, Unreachable};
pub use server_description::ServerDescription;
pub(super) use transport::is_unreachable;

use super::client::{CONNECT_TIMEOUT, READ_TIMEOUT};
use credentials::expired_certificate;
use hyper::{Request, Response};
use kube::client::Body;
use kube::{Client, Config};
use outage::OutageLog;
use std::path::PathBuf;
use std::sync::Arc;
use tower::service_fn;

/// Which cluster to reach. The first of these that names one is used: `kubeconfig`, `environment_files`,
/// `default_file`, the ServiceAccount of this Pod.
#[derive(Clone, Debug, Default)]
pub struct ConnectionSettings {
    /// The file of `--kubeconfig`. It must exist, and no other file is read.
    pub kubeconfig: Option<PathBuf>,
    /// The context of `--context`. Default: the current context of the files.
    pub context: Option<String>,
    /// The files of the environment variable `KUBECONFIG`. They are merged; those that do not exist are skipped.
    pub environment_files: Vec<PathBuf>,
    /// The file that is read without the two above, `~/.kube/config`. It need not exist.
    pub default_file: Option<PathBuf>,
    /// Whether the client itself repeats a call that the API server answered with 429, 503 or 504.
    pub repeats_calls: bool,
}

/// A client of a cluster, and what messages say about the cluster.
#[derive(Clone)]
pub struct Connection {
    /// The client. It sends no request before its first call.
    pub client: Client,
    server: Arc<ServerDescription>,
}

impl Connection {
    /// Finds the cluster and creates a client. Runs the credential plugin of the kubeconfig, if it names one.
    ///
    /// # Errors
    /// There is no cluster, or its configuration cannot be used.
    pub async fn open(settings: &ConnectionSettings) -> Result<Self, ConnectionError> {
        let (mut config, server) = kubeconfig::select(settings).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        config.default_retry = settings.repeats_calls;
        Self::of(config, server).await
    }

    /// The names of all contexts of the kubeconfig.
    ///
    /// # Errors
    /// There is no kubeconfig, it cannot be used, or it holds no context.
    pub fn contexts(settings: &ConnectionSettings) -> Result<Vec<String>, ConnectionError> {
        kubeconfig::contexts(settings)
    }

    async fn of(config: Config, mut server: ServerDescription) -> Result<Self, ConnectionError> {
        server.expired_certificate = expired_certificate(&config.auth_info).await;
        credentials::check(&server, &config.auth_info)?;
        let exec = config.auth_info.exec.clone();
        let client = Client::try_from(config).map_err(|error| credentials::explain(&server, exec.as_ref(), &error))?;
        Ok(Self { client, server: Arc::new(server) })
    }

    /// What is known of the API server.
    pub fn server(&self) -> &ServerDescription {
        &self.server
    }

    /// Why a call failed: URL, cause and fix. A response is not quoted, except for its status.
    pub fn explain(&self, error: &kube::Error) -> String {
        transport::explain(&self.server, error)
    }

    /// The same connection, whose client logs that the API server cannot be reached: the cause once, then again after
    /// growing intervals, and once when it is reached again.
    #[must_use]
    pub fn with_outage_log(&self) -> Self {
        let (client, log) = (self.client.clone(), Arc::new(OutageLog::new(Arc::clone(&self.server))));
        let namespace = client.default_namespace().to_owned();
        let send = move |request| send_and_observe(client.clone(), request, Arc::clone(&log));
        Self { client: Client::new(service_fn(send), namespace), server: Arc::clone(&self.server) }
    }
}

async fn send_and_observe(client: Client, request: Request<Body>, log: Arc<OutageLog>) -> kube::Result<Response<Body>> {
    let response = client.send(request).await;
    log.observe(response.as_ref().err());
    response
}
