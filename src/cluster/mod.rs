//! Everything that talks to the API server.
//!
//! [`client`](fn@client) creates the client, [`Watch`] keeps a [`Snapshot`](apim_keyless_core::gateway::Snapshot) of Namespaces,
//! `ServiceAccount`s and `ConfigMap`s up to date, [`Trust`] maintains the CA, the serving certificate and the
//! caBundles, and [`Installation`] is read once by `doctor`. The only Secret that is ever read is the one with the CA.
//! No policy is evaluated here.

mod client;
mod installation;
mod observer;
mod read_error;
mod scope;
mod trust;
mod watch;

pub use client::{ClusterError, client};
pub use installation::{
    ApiServer, Clock, ContainerStatus, Deployment, DryRunResponse, Installation, InstallationNames, NAME, Pod,
    WebhookConfiguration, dry_run_create, selects,
};
pub use observer::{CacheStatus, ClusterObserver};
pub use read_error::{ReadError, Reading};
pub use scope::Scope;
pub use trust::{Trust, TrustSettings, TrustStatus};
pub use watch::Watch;
