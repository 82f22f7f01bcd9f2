//! The policy document, read again whenever its text changes: a mounted ConfigMap is replaced while we run.

use crate::admission::routes::Doors;
use crate::policy::Policy;
use crate::server::Health;
use crate::telemetry::Upkeep;
use anyhow::Context;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the text is compared: the kubelet itself takes up to a minute.
const INTERVAL: Duration = Duration::from_secs(5);

/// Uses every new text that is a policy, for ever. One that is none is told, and the policy before stays.
pub(super) async fn follow(
    (path, mut text): (PathBuf, String),
    doors: Arc<Doors>,
    health: Arc<Health>,
    upkeep: Upkeep,
) {
    upkeep.policy_read(true);
    loop {
        tokio::time::sleep(INTERVAL).await;
        let read = tokio::fs::read_to_string(&path).await;
        if read.as_ref().is_ok_and(|read| *read == text) {
            continue;
        }
        let told = || format!("the policy document {} cannot be used", path.display());
        match read.context("it cannot be read").and_then(|read| Ok((Policy::parse(&read)?, read))).with_context(told) {
            Ok((policy, read)) => {
                tracing::info!(policy = policy.name, "uses a new policy document");
                text = read;
                doors.policy.store(Arc::new(policy));
                upkeep.policy_read(true);
                health.remark(None);
            }
            Err(error) => {
                let remark = format!("{error:#}; the one before counts");
                tracing::error!("{remark}");
                upkeep.policy_read(false);
                health.remark(Some(remark));
            }
        }
    }
}
