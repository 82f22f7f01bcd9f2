//! The policy document, read again whenever its text changes: a mounted ConfigMap is replaced while we run.

use crate::admission::routes::AdmissionState;
use crate::policy::Policy;
use crate::server::Health;
use crate::telemetry::ClusterMetrics;
use anyhow::Context;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the text is compared: the kubelet itself takes up to a minute.
const INTERVAL: Duration = Duration::from_secs(5);

/// Uses every new text that is a policy, for ever. One that is none is told once, and the policy before stays.
pub(super) async fn follow(
    (path, text): (PathBuf, String),
    state: Arc<AdmissionState>,
    health: Arc<Health>,
    cluster_metrics: ClusterMetrics,
) {
    cluster_metrics.policy_read(true);
    let mut last = Some(text);
    loop {
        tokio::time::sleep(INTERVAL).await;
        let read = tokio::fs::read_to_string(&path).await;
        if read.as_ref().ok() == last.as_ref() {
            continue;
        }
        last = read.as_ref().ok().cloned();
        let told = || format!("the policy document {} cannot be used", path.display());
        let policy = read.context("it cannot be read").and_then(|text| Ok(Policy::parse(&text)?)).with_context(told);
        cluster_metrics.policy_read(policy.is_ok());
        health.remark(policy.as_ref().err().map(|error| format!("{error:#}; the one before counts")));
        match policy {
            Ok(policy) => {
                tracing::info!(policy = policy.name, "uses a new policy document");
                state.policy.store(Arc::new(policy));
            }
            Err(error) => tracing::error!("{error:#}; the one before counts"),
        }
    }
}
