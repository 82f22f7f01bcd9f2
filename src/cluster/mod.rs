//! The API server's side: what stands in a cluster, as far as a judgement may look at it.
//!
//! [`client`](fn@client) reaches the API server, [`Watch`] keeps a [`Snapshot`](crate::gateway::Snapshot) of Namespaces,
//! `ServiceAccount`s and `ConfigMap`s up to date. No Secret is ever read here. Nothing is decided here either.

mod client;
mod scope;
mod source;
mod store;
mod thing;
mod watch;

pub use client::{ClusterError, client};
pub use scope::Scope;
pub use watch::Watch;
