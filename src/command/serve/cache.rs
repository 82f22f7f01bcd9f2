//! Starts the watch that caches objects of the cluster.

use crate::admission::routes::AdmissionState;
use crate::cli::CacheArguments;
use crate::cluster::Watch;
use crate::server::{Condition, Health};
use crate::telemetry::RuntimeMetrics;
use kube::Client;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Watches the cluster until the process ends. The server is not ready until the first complete list is cached.
pub(super) fn watch(
    client: Client,
    arguments: &CacheArguments,
    state: &AdmissionState,
    health: &Arc<Health>,
    runtime_metrics: RuntimeMetrics,
) {
    let (sender, receiver) = oneshot::channel();
    let cache_bytes = arguments.cache_mib.saturating_mul(1024 * 1024);
    health.set_unmet(Condition::RelatedObjects, "the cluster's objects are not cached yet");
    tokio::spawn(
        Watch::new(client, arguments.scope, cache_bytes, state.related.clone(), Arc::new(runtime_metrics)).run(sender),
    );
    let health = health.clone();
    tokio::spawn(async move {
        if receiver.await.is_ok() {
            health.set_met(Condition::RelatedObjects);
        }
    });
}
