//! The events of the cluster side that metrics count.

use apim_keyless_core::gateway::Kind;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Receives events about the CA, the serving certificate and the cache.
pub trait ClusterObserver: Send + Sync + 'static {
    /// A serving certificate is in use from now on. It expires at `not_after`.
    fn certificate_loaded(&self, not_after: SystemTime);
    /// The CA that issued the serving certificate expires at `not_after`.
    fn ca_loaded(&self, not_after: SystemTime);
    /// Whether every webhook entry trusts the serving certificate was checked.
    fn trust_checked(&self, is_trusted: bool);
    /// The CA, the serving certificate or a caBundle could not be updated.
    fn certificate_failed(&self);
    /// The cache changed.
    fn cache_changed(&self, cache_status: &CacheStatus);
    /// A watch failed and will be started again.
    fn watch_failed(&self);
}

/// The state of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    /// How many Namespaces are known.
    pub namespaces: usize,
    /// About how many bytes the cached `ServiceAccount`s and `ConfigMap`s take.
    pub bytes: usize,
    /// Whether all changes arrive, so that an object that is not cached is absent.
    pub is_current: bool,
    /// Whether all objects fit into the cache (`--cache-mib`).
    pub fits: bool,
    /// Whether each watched kind is stale: the API server has sent nothing for it for too long, so what was cached of it
    /// was removed.
    pub stale: BTreeMap<Kind, bool>,
}
