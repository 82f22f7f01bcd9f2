//! What is looked at beside the reviews.

use crate::admission::routes::AdmissionState;
use crate::cli::CacheArguments;
use crate::cluster::Watch;
use crate::server::{Health, Need};
use crate::telemetry::ClusterMetrics;
use kube::Client;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Watches the cluster for ever; before it was seen once, the server is not ready.
pub(super) fn watch(
    client: Client,
    arguments: &CacheArguments,
    state: &AdmissionState,
    (health, cluster_metrics): (&Arc<Health>, ClusterMetrics),
) {
    let (seen, was_seen) = oneshot::channel();
    let cache_mib = arguments.cache_mib.saturating_mul(1024 * 1024);
    health.lacks(Need::RelatedObjects, "the cluster was not seen yet");
    tokio::spawn(
        Watch::new(client, (arguments.scope, cache_mib), state.related.clone(), Arc::new(cluster_metrics)).run(seen),
    );
    let health = health.clone();
    tokio::spawn(async move {
        if was_seen.await.is_ok() {
            health.has(Need::RelatedObjects);
        }
    });
}
