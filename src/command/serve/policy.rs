//! Hot-reloads the policy document: a mounted ConfigMap can change while the server runs.

use crate::admission::routes::AdmissionState;
use crate::command::parse_policy;
use crate::server::Health;
use crate::telemetry::{PolicyReload, RuntimeMetrics};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the document is read. The kubelet itself takes up to a minute to update a mounted `ConfigMap`.
const INTERVAL: Duration = Duration::from_secs(5);

/// Loads every new version of the document until the process ends. An invalid version is reported once, and the
/// previous policy stays in use.
pub(super) async fn reload(
    path: PathBuf,
    text: String,
    state: Arc<AdmissionState>,
    health: Arc<Health>,
    runtime_metrics: RuntimeMetrics,
) {
    runtime_metrics.policy_reloaded(PolicyReload::Loaded);
    let mut last = Some(text);
    loop {
        tokio::time::sleep(INTERVAL).await;
        let read = tokio::fs::read_to_string(&path).await;
        if read.as_ref().ok() == last.as_ref() {
            continue;
        }
        last = read.as_ref().ok().cloned();
        match parse_policy(&path, read) {
            Ok((policy, _)) => {
                runtime_metrics.policy_reloaded(PolicyReload::Loaded);
                health.set_note(None);
                tracing::info!(policy = policy.display_name(), "policy document loaded");
                state.policy.store(Arc::new(policy));
            }
            Err(error) => {
                runtime_metrics.policy_reloaded(PolicyReload::Invalid);
                let message = format!("{error:#}; the previous policy stays in use");
                tracing::error!("{message}");
                health.set_note(Some(message));
            }
        }
    }
}
