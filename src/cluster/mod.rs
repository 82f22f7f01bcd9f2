//! The API server's side: what stands in a cluster, as far as a judgement may look at it.
//!
//! [`client`](fn@client) reaches the API server, [`Watch`] keeps a [`Snapshot`](crate::gateway::Snapshot) of Namespaces,
//! `ServiceAccount`s and `ConfigMap`s up to date, [`Trust`] keeps our own CA, certificate and caBundles, and
//! [`Installation`] is read once by whoever asks what is wrong with it. No Secret but that of our CA is ever read. Nothing is decided here either.

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
    WebhookConfiguration, create_dry, selects,
};
pub use observer::{CacheStatus, ClusterObserver};
pub use read_error::{ReadError, Reading};
pub use scope::Scope;
pub use trust::{Trust, TrustSettings, Trusted};
pub use watch::Watch;
