//! One audit of the cluster: reads and evaluates it as the command `audit` does, then updates the gauges, the report
//! objects and the Events. What fails is logged and counted, and the next scan tries it again.

use crate::admission::routes::AdmissionState;
use crate::audit::{AuditInput, KnownGateways, Transition, evaluate};
use crate::cluster::{
    Connection, Inventory, InventoryRequest, LeftoverScope, OPEN_REPORTS, POLICY_REPORTS, Pace, ReadError, ReportStore,
    WorkloadEvent, write_event,
};
use crate::telemetry::{AuditMetrics, AuditPart};
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::policy::{Mode, Policy, namespace_mode, utc_date};
use apim_keyless_report::policy_report::{
    MANAGED_BY, NAME, NamespaceFindings, ReportApi, by_namespace, is_ours, is_same,
};
use apim_keyless_report::{GatewayRow, Level, Report};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How the cluster is read: at most ten requests a second, and nothing beyond this many bytes of JSON is kept. They take
/// about five times as much memory, together with the report; the smallest containers take more, and count as more bytes.
const PACE: Pace = Pace { pause: Duration::from_millis(100), bytes: 32 * 1024 * 1024 };
/// Most Events of one scan.
const EVENTS: usize = 50;
/// Most errors of one part of a scan that are logged.
const LOGGED: usize = 10;

/// Audits the cluster.
pub(super) struct Scanner {
    connection: Connection,
    state: Arc<AdmissionState>,
    metrics: AuditMetrics,
    excluded: BTreeSet<String>,
    instance: String,
    /// The gateways of the last complete scan.
    known: Option<KnownGateways>,
    /// Whether the last scan found an API for reports.
    has_report_api: bool,
}

/// What was done with the report objects.
#[derive(Default)]
struct ReportChanges {
    updated: usize,
    deleted: usize,
    errors: Vec<ReadError>,
}

impl Scanner {
    pub(super) fn new(
        connection: Connection,
        state: Arc<AdmissionState>,
        metrics: AuditMetrics,
        excluded: Vec<String>,
        instance: String,
    ) -> Self {
        let excluded = excluded.into_iter().collect();
        Self { connection, state, metrics, excluded, instance, known: None, has_report_api: true }
    }

    /// Forgets what was found: another replica audits meanwhile.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// Audits the cluster once.
    pub(super) async fn scan(&mut self) {
        let start = Instant::now();
        let policy = self.state.policy.load_full();
        let inventory = self.read(&policy).await;
        if !inventory.errors.is_empty() {
            // nothing is deleted or counted because of what could not be read
            self.metrics.failed(AuditPart::Scan);
            warn("the audit is not complete; the last complete one stays", &inventory.errors);
            return;
        }
        let Ok(report) = spawn_blocking(move || evaluated(&inventory, &policy)).await else {
            self.metrics.failed(AuditPart::Scan);
            tracing::error!("the evaluation of the audit panicked; this is a bug, please report it");
            return;
        };
        let rows = report.gateways.as_deref().unwrap_or_default();
        let gateways = rows.iter().map(|row| (row.summary.authentication, row.level));
        self.metrics.scan_completed(gateways, SystemTime::now(), start.elapsed());
        let ReportChanges { updated, deleted, errors } = self.write_reports(&report).await;
        self.fail(AuditPart::Report, "a report of the audit cannot be written", &errors);
        let events = self.write_events(&report).await;
        self.known = Some(KnownGateways::of(&report));
        log(&report, start.elapsed(), [updated, deleted, events]);
    }

    /// Reads the namespaces that are audited.
    async fn read(&self, policy: &Policy) -> Inventory {
        let is_evaluated =
            |name: &str, labels: &_| !self.excluded.contains(name) && namespace_mode(labels) != Some(Mode::Off);
        let request = InventoryRequest {
            namespaces: &[],
            images: &policy.images,
            is_evaluated: &is_evaluated,
            expected_config_maps: &|namespace, annotations| {
                policy.expectations(namespace, annotations).config_maps.into_iter().collect()
            },
            leftovers: LeftoverScope::Nothing,
            progress: &|_, _| {},
            pace: PACE,
        };
        Inventory::read(&self.connection, &request).await
    }

    /// Updates the report objects of the first API that the API server serves, and deletes ours of the other one.
    async fn write_reports(&mut self, report: &Report) -> ReportChanges {
        let (mut changes, mut has_api) = (ReportChanges::default(), false);
        for (resource, api) in [(OPEN_REPORTS, ReportApi::OpenReports), (POLICY_REPORTS, ReportApi::PolicyReports)] {
            let store = match ReportStore::open(&self.connection, resource, format!("{MANAGED_BY}={NAME}")).await {
                Ok(Some(store)) => store,
                Ok(None) => continue,
                Err(error) => {
                    changes.errors.push(error);
                    return changes;
                }
            };
            let updated = update(&store, (!has_api).then_some((report, api)), &mut changes).await;
            changes.errors.extend(updated.err());
            has_api = true;
        }
        if !has_api && self.has_report_api {
            tracing::info!(
                "the audit writes no PolicyReports: the API server serves neither openreports.io/v1alpha1 nor \
                 wgpolicyk8s.io/v1alpha2; install one of these CustomResourceDefinitions to get them"
            );
        }
        self.has_report_api = has_api;
        changes
    }

    /// Writes Events about what has changed since the last complete scan. Returns how many.
    async fn write_events(&self, report: &Report) -> usize {
        let Some(known) = &self.known else { return 0 };
        let transitions = in_turns(known.transitions(report));
        if let Some(left_out) = transitions.len().checked_sub(EVENTS).filter(|left_out| *left_out > 0) {
            tracing::info!(left_out, "more gateways have changed than an audit writes Events about");
        }
        let (mut written, mut errors) = (0, Vec::new());
        for Transition { gateway, uid, kind, text } in transitions.into_iter().take(EVENTS) {
            let (is_warning, reason) = (kind.is_warning(), kind.reason());
            let event = WorkloadEvent { workload: gateway, uid, is_warning, reason, note: text };
            sleep(PACE.pause).await;
            match write_event(&self.connection, &self.instance, event).await {
                Ok(()) => written += 1,
                Err(error) => errors.push(error),
            }
        }
        self.fail(AuditPart::Event, "an Event of the audit cannot be written", &errors);
        written
    }

    /// Logs and counts errors.
    fn fail(&self, part: AuditPart, message: &str, errors: &[ReadError]) {
        warn(message, errors);
        for _ in errors {
            self.metrics.failed(part);
        }
    }
}

/// Takes one transition of each namespace after the other, so that one namespace cannot use up all Events.
fn in_turns(transitions: Vec<Transition>) -> Vec<Transition> {
    let mut turns: BTreeMap<String, usize> = BTreeMap::new();
    let turn = |transition: Transition| {
        let turn = turns.entry(transition.gateway.namespace.clone()).or_default();
        *turn += 1;
        (*turn, transition)
    };
    let mut all: Vec<(usize, Transition)> = transitions.into_iter().map(turn).collect();
    all.sort_by_key(|(turn, _)| *turn);
    all.into_iter().map(|(_, transition)| transition).collect()
}

/// Logs the first errors, and how many more there are.
fn warn(message: &str, errors: &[ReadError]) {
    for error in errors.iter().take(LOGGED) {
        tracing::warn!(%error, "{message}");
    }
    if let Some(more) = errors.len().checked_sub(LOGGED).filter(|more| *more > 0) {
        tracing::warn!(more, "{message}");
    }
}

/// Writes the report objects that differ from the stored ones, and deletes those of namespaces without findings; without a
/// report all of them.
async fn update(
    store: &ReportStore<'_>,
    report: Option<(&Report, ReportApi)>,
    changes: &mut ReportChanges,
) -> Result<(), ReadError> {
    let mut old = store.namespaces().await?;
    let (report, api) = report.unzip();
    for (findings, api) in report.iter().flat_map(|report| by_namespace(report)).zip(api.into_iter().cycle()) {
        sleep(PACE.pause).await;
        let exists = old.remove(findings.namespace);
        match write(store, &findings, api, exists).await {
            Ok(is_written) => changes.updated += usize::from(is_written),
            Err(error) => changes.errors.push(error),
        }
    }
    for namespace in old {
        sleep(PACE.pause).await;
        match store.delete(&namespace, is_ours).await {
            Ok(is_deleted) => changes.deleted += usize::from(is_deleted),
            Err(error) => changes.errors.push(error),
        }
    }
    Ok(())
}

/// Writes the report object of a namespace if it differs from the stored one. Returns whether it was written.
async fn write(
    store: &ReportStore<'_>,
    findings: &NamespaceFindings<'_>,
    api: ReportApi,
    exists: bool,
) -> Result<bool, ReadError> {
    let stored = if exists { store.read(findings.namespace).await?.filter(is_ours) } else { None };
    let object = findings.render(api, unix_now(), stored.as_ref());
    match stored {
        Some(stored) if is_same(&stored, &object) => Ok(false),
        stored => store.write(findings.namespace, stored.as_ref(), object).await,
    }
}

fn evaluated(inventory: &Inventory, policy: &Policy) -> Report {
    let mut report = evaluate(&AuditInput {
        inventory,
        cluster: None,
        policy,
        forced_mode: None,
        default_mode: Mode::Audit,
        today: utc_date(SystemTime::now()),
    });
    report.number_fingerprints();
    report.sort_by_object();
    report.rate_gateways();
    report
}

/// One event for each complete scan.
fn log(report: &Report, duration: Duration, [updated, deleted, events]: [usize; 3]) {
    let rows = report.gateways.as_deref().unwrap_or_default();
    let of_level = |level: Level| rows.iter().filter(|row| row.level == Some(level)).count();
    let keyless = rows.iter().filter(|row| is_keyless(row)).count();
    for failure in report.failures.iter().take(LOGGED) {
        tracing::warn!(object = failure.message, "the audit cannot evaluate an object");
    }
    tracing::info!(
        gateways = rows.len(),
        keyless,
        with_error = of_level(Level::Error),
        fixable = of_level(Level::Fixable),
        with_warning = of_level(Level::Warning),
        objects = report.objects,
        duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        reports_written = updated,
        reports_deleted = deleted,
        events,
        "audit"
    );
}

fn is_keyless(row: &GatewayRow) -> bool {
    row.summary.authentication == Authentication::WorkloadIdentity
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
