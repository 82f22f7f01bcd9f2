//! The API server's side: what stands in a cluster, as far as a judgement may look at it.
//!
//! [`client`](fn@client) reaches the API server, [`Watch`] keeps a [`Snapshot`](crate::gateway::Snapshot) of Namespaces,
//! `ServiceAccount`s and `ConfigMap`s up to date, [`Trust`] keeps our own CA, certificate and caBundles, and
//! [`Installation`] is read once by whoever asks what is wrong with it. No Secret but that of our CA is ever read. Nothing is decided here either.

mod client;
mod configurations;
mod installation;
mod observer;
mod probe;
mod scope;
mod secret;
mod selection;
mod server;
mod source;
mod store;
mod thing;
mod trust;
mod trust_settings;
mod unread;
mod watch;
mod webhook_configuration;
mod workload;

pub use client::{ClusterError, client};
pub use installation::{Installation, NAME, Site};
pub use observer::{Observer, Survey};
pub use probe::{Answer, create_dry};
pub use scope::Scope;
pub use selection::selects;
pub use server::{Clock, Server};
pub use trust::{Trust, Trusted};
pub use trust_settings::TrustSettings;
pub use unread::{Reading, Unread};
pub use watch::Watch;
pub use webhook_configuration::WebhookConfiguration;
pub use workload::{ContainerStatus, Deployment, Pod};
