//! Who is told of what happens between the cluster and us, for metrics.

use std::time::SystemTime;

/// Told of the certificate, and of what is seen of the cluster.
pub trait ClusterObserver: Send + Sync + 'static {
    /// A leaf that ends at `not_after` is shown from now on.
    fn shows(&self, not_after: SystemTime);
    /// The CA that issued it ends at `not_after`.
    fn issued_by(&self, not_after: SystemTime);
    /// Does every webhook entry trust what is shown?
    fn trusted(&self, is_trusted: bool);
    /// Certificates could not be looked after.
    fn neglected(&self);
    /// So much is seen of the cluster.
    fn saw(&self, cache_status: &CacheStatus);
    /// A watch broke off, and begins anew.
    fn lost_sight(&self);
}

/// How much is seen of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    /// Namespaces that are there.
    pub namespaces: usize,
    /// About how many bytes are held of `ServiceAccount`s and `ConfigMap`s.
    pub bytes: usize,
    /// Is every change told, so that what isn't there is absent?
    pub is_current: bool,
    /// Was there room for everything?
    pub has_room: bool,
}
