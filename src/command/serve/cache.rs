//! Starts the watch that caches objects of the cluster.

use crate::admission::routes::AdmissionState;
use crate::cli::CacheArguments;
use crate::cluster::{CacheSettings, CacheStatus, Watch};
use crate::server::{Condition, Health, HealthNote};
use crate::telemetry::RuntimeMetrics;
use humantime::format_duration;
use kube::Client;
use std::sync::Arc;
use std::time::Duration;

/// Watches the cluster until the process ends. The server is not ready until the first complete list is cached.
pub(super) fn watch(
    client: Client,
    arguments: &CacheArguments,
    state: &AdmissionState,
    health: &Arc<Health>,
    runtime_metrics: RuntimeMetrics,
) {
    let stale_after = arguments.cache_stale_after;
    let budget = arguments.cache_mib.saturating_mul(1024 * 1024);
    let settings = CacheSettings { scope: arguments.scope, budget, stale_after };
    health.set_unmet(Condition::RelatedObjects, "the cluster's objects are not cached yet");
    let watch = Watch::new(client, &settings, state.related.clone(), Arc::new(runtime_metrics));
    let (mut status, health) = (watch.status(), health.clone());
    tokio::spawn(watch.run());
    tokio::spawn(async move {
        while status.changed().await.is_ok() {
            if let Some(status) = &*status.borrow_and_update() {
                health.set_met(Condition::RelatedObjects);
                // A stale cache is no reason not to be ready: ADR 16.
                health.set_note(HealthNote::RelatedObjects, stale_note(status, stale_after));
            }
        }
    });
}

/// What `/readyz` shows of a stale cache.
fn stale_note(status: &CacheStatus, stale_after: Duration) -> Option<String> {
    let stale: Vec<String> =
        status.stale.iter().filter(|(_, is_stale)| **is_stale).map(|(kind, _)| format!("{kind}s")).collect();
    let (kinds, duration) = (stale.join(", "), format_duration(stale_after));
    (!stale.is_empty()).then(|| {
        format!(
            "stale cache: the API server has sent nothing about {kinds} for {duration}; \
             what was cached of them counts as unknown"
        )
    })
}
