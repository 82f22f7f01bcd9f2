//! Audits the cluster again and again, in the one replica that holds the Lease. It has its own thread, connections and
//! runtime, so that no review waits for it, and readiness does not depend on it.

use super::certificates::connection_settings;
use super::scan::Scanner;
use crate::admission::routes::AdmissionState;
use crate::cli::ServeArguments;
use crate::cluster::{Connection, ConnectionSettings, Lease, NAME};
use crate::command::cause;
use crate::telemetry::{AuditMetrics, AuditPart};
use anyhow::Context;
use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// The name of the Lease.
const LEASE: &str = "apim-keyless-audit";
/// How long the end of the server waits until the Lease is released.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before the cluster is opened again.
const OPEN_INTERVAL: Duration = Duration::from_secs(30);

/// The audit of this replica.
pub(super) struct Audit {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

/// What the thread needs.
struct Auditor {
    settings: AuditSettings,
    state: Arc<AdmissionState>,
    metrics: AuditMetrics,
}

struct AuditSettings {
    connection: ConnectionSettings,
    interval: Duration,
    excluded: Vec<String>,
}

impl Audit {
    /// Starts the thread; `None` if no interval is set.
    pub(super) fn start(
        arguments: &ServeArguments,
        state: &Arc<AdmissionState>,
        metrics: AuditMetrics,
    ) -> anyhow::Result<Option<Self>> {
        if arguments.audit.audit_interval.is_zero() {
            return Ok(None);
        }
        let settings = AuditSettings {
            connection: connection_settings(arguments),
            interval: arguments.audit.audit_interval,
            excluded: arguments.audit.audit_excluded_namespaces.clone(),
        };
        let auditor = Auditor { settings, state: Arc::clone(state), metrics: metrics.clone() };
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let run = move || {
            if catch_unwind(AssertUnwindSafe(|| auditor.run(stopped))).is_err() {
                metrics.lost();
                metrics.failed(AuditPart::Scan);
                tracing::error!("the audit panicked and has stopped; this is a bug, please report it; restart the Pod");
            }
            _ = end.send(());
        };
        thread::Builder::new().name("audit".to_owned()).spawn(run).context("cannot start the thread of the audit")?;
        Ok(Some(Self { stop, ended }))
    }

    /// Stops it, and waits until its Lease is released.
    pub(super) async fn stop(self) {
        drop(self.stop);
        if timeout(RELEASE_TIMEOUT, self.ended).await.is_err() {
            tracing::warn!("the Lease of the audit is not released; another replica audits when it has expired");
        }
    }
}

impl Auditor {
    /// Runs until `stopped` ends.
    fn run(self, stopped: oneshot::Receiver<()>) {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                self.metrics.failed(AuditPart::Scan);
                tracing::error!(cause = cause(&error), "cannot start the async runtime of the audit; restart the Pod");
                return;
            }
        };
        runtime.block_on(self.run_until(stopped));
        // an evaluation that still runs has no effect any more
        runtime.shutdown_background();
    }

    async fn run_until(self, mut stopped: oneshot::Receiver<()>) {
        let connection = tokio::select! {
            _ = &mut stopped => return,
            connection = self.connect() => connection,
        };
        let (client, instance) = (&connection.client, instance());
        let mut lease = Lease::new(client, client.default_namespace(), LEASE, instance.clone());
        let AuditSettings { interval, excluded, .. } = self.settings;
        let (metrics, state) = (self.metrics, self.state);
        let scanner = Scanner::new(connection.clone(), state, metrics.clone(), excluded, instance);
        tokio::select! {
            _ = stopped => {}
            () = audit(&mut lease, scanner, &metrics, interval) => {}
        }
        metrics.lost();
        lease.release().await;
    }

    async fn connect(&self) -> Connection {
        loop {
            match Connection::open(&self.settings.connection).await {
                Ok(connection) => return connection,
                Err(error) => {
                    self.metrics.failed(AuditPart::Lease);
                    tracing::warn!(%error, "cannot use the cluster for the audit, trying again");
                    sleep(OPEN_INTERVAL).await;
                }
            }
        }
    }
}

/// Audits whenever this replica holds the Lease. It does not end.
async fn audit(lease: &mut Lease, mut scanner: Scanner, metrics: &AuditMetrics, interval: Duration) {
    let failed = || metrics.failed(AuditPart::Lease);
    loop {
        let until = lease.acquire(failed).await;
        metrics.held_until(until);
        tracing::info!(lease = LEASE, "this replica audits the cluster");
        let scans = async {
            loop {
                scanner.scan().await;
                sleep(interval).await;
            }
        };
        tokio::select! {
            () = lease.keep(until, |until| metrics.held_until(until), failed) => {}
            () = scans => {}
        }
        metrics.lost();
        scanner.forget();
        tracing::info!(lease = LEASE, "this replica does not audit the cluster any more");
    }
}

/// The name of this replica: that of its host, which is the Pod's, and a number, because a container can start again in the
/// same Pod.
fn instance() -> String {
    let host = env::var("HOSTNAME").ok().filter(|host| !host.is_empty()).unwrap_or_else(|| NAME.to_owned());
    // its keys are random
    format!("{host}_{:016x}", RandomState::new().build_hasher().finish())
}
