//! Hot-reloads the policy document: a mounted ConfigMap can change while the server runs.

use crate::admission::routes::AdmissionState;
use crate::command::policy;
use crate::server::{Health, HealthNote};
use crate::telemetry::{PolicyReload, RuntimeMetrics};
use apim_keyless_core::policy::{Exception, Policy, utc_date};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
    let mut last = Some(text.into_bytes());
    let mut exceptions = Exceptions { runtime_metrics: runtime_metrics.clone(), reported: Vec::new() };
    loop {
        exceptions.report(&state.policy.load());
        tokio::time::sleep(INTERVAL).await;
        let read = tokio::fs::read(&path).await;
        if read.as_ref().ok() == last.as_ref() {
            continue;
        }
        last = read.as_ref().ok().cloned();
        match policy::parse(&path, read) {
            Ok((loaded, _)) => {
                runtime_metrics.policy_reloaded(PolicyReload::Loaded);
                health.set_note(HealthNote::Policy, None);
                tracing::info!(policy = loaded.display_name(), "policy document loaded");
                state.policy.store(Arc::new(loaded));
            }
            Err(error) => {
                runtime_metrics.policy_reloaded(PolicyReload::Invalid);
                let message = format!("{error:#}; the previous policy stays in use");
                tracing::error!("{message}");
                health.set_note(HealthNote::Policy, Some(message));
            }
        }
    }
}

/// Reports exceptions that have expired or expire soon: once in the log, and all the time in the metrics.
struct Exceptions {
    runtime_metrics: RuntimeMetrics,
    /// The problems that are in the log.
    reported: Vec<String>,
}

impl Exceptions {
    fn report(&mut self, policy: &Policy) {
        let today = utc_date(SystemTime::now());
        let states: Vec<_> = policy.exceptions.iter().map(|exception| exception.state(today)).collect();
        self.runtime_metrics.exceptions_counted(&states);
        let problem = |exception: &Exception| Some((exception.line, exception.problem(today)?));
        let problems: Vec<(u64, String)> = policy.exceptions.iter().filter_map(problem).collect();
        for (line, problem) in problems.iter().filter(|(_, problem)| !self.reported.contains(problem)) {
            tracing::warn!(line, "{problem}");
        }
        self.reported = problems.into_iter().map(|(_, problem)| problem).collect();
    }
}
