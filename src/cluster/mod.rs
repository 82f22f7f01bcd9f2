//! Everything that talks to the API server.
//!
//! [`client`](fn@client) creates the client, [`Watch`] keeps a [`Snapshot`](apim_keyless_core::gateway::Snapshot) of Namespaces,
//! `ServiceAccount`s and `ConfigMap`s up to date, [`CertificateManager`] maintains the CAs, the serving
//! certificate and the caBundles, and [`Installation`] is read once by `doctor`. The only Secret that is ever read is
//! the one with the CAs. No policy is evaluated here.

mod certificates;
mod client;
mod installation;
mod observer;
mod read_error;
mod scope;
mod watch;

pub use certificates::{CertificateManager, CertificateSettings, TrustStatus};
pub use client::{ClusterError, client};
pub use installation::{
    ApiServer, Clock, ContainerStatus, Deployment, DryRunResponse, Installation, InstallationNames, NAME, Pod,
    WebhookConfiguration, dry_run_create, selects,
};
pub use observer::{CacheStatus, ClusterObserver};
pub use read_error::{ReadError, ReadResult};
pub use scope::Scope;
pub use watch::Watch;
