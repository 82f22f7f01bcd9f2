//! The API server's side: what stands in a cluster, as far as a judgement may look at it.
//!
//! [`client`](fn@client) reaches the API server, [`Watch`] keeps a [`Snapshot`](crate::gateway::Snapshot) of Namespaces,
//! `ServiceAccount`s and `ConfigMap`s up to date, [`Trust`] keeps our own CA, certificate and caBundles. No Secret but that of
//! our CA is ever read. Nothing is decided here either.

mod client;
mod configurations;
mod observer;
mod scope;
mod secret;
mod source;
mod store;
mod thing;
mod trust;
mod trust_settings;
mod watch;

pub use client::{ClusterError, client};
pub use observer::{Observer, Survey};
pub use scope::Scope;
pub use trust::{Trust, Trusted};
pub use trust_settings::TrustSettings;
pub use watch::Watch;
