//! Metrics of the audit: the gateways of the cluster. Only the replica that audits exports them.

use super::runtime_metrics::unix_time;
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::policy::Level;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use strum::IntoStaticStr;

const AUTHENTICATIONS: [Authentication; 5] = [
    Authentication::WorkloadIdentity,
    Authentication::Key,
    Authentication::EntraApp,
    Authentication::None,
    Authentication::Unknown,
];
const LEVELS: [Option<Level>; 4] = [Some(Level::Error), Some(Level::Fixable), Some(Level::Warning), None];

/// Metrics of the audit. Clones share the same metrics.
#[derive(Clone, Debug, Default)]
pub struct AuditMetrics {
    scans: Scans,
    failures: Family<FailureLabels, Counter>,
}

/// The last complete scan of this replica.
#[derive(Clone, Debug, Default)]
struct Scans(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Until when this replica is the one that audits.
    held_until: Option<Instant>,
    last: Option<Scan>,
}

#[derive(Debug)]
struct Scan {
    gateways: BTreeMap<GatewayLabels, i64>,
    completed_at: SystemTime,
    duration: Duration,
}

/// A part of the audit that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum AuditPart {
    /// Something of the cluster could not be read.
    Scan,
    /// A report object could not be read, written or deleted.
    Report,
    /// An Event could not be written.
    Event,
    /// The Lease could not be read or written.
    Lease,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    part: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct GatewayLabels {
    authentication: &'static str,
    level: &'static str,
}

impl GatewayLabels {
    fn of(authentication: Authentication, level: Option<Level>) -> Self {
        Self { authentication: authentication.name(), level: level.map_or("none", Level::name) }
    }
}

impl AuditMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.scans.clone()));
        let help = "Attempts of the audit that failed, by part";
        registry.register("audit_failures", help, self.failures.clone());
    }

    /// This replica is the one that audits, until this time. Later the gauges are not exported.
    pub fn held_until(&self, until: Instant) {
        self.scans.with(|state| state.held_until = Some(until));
    }

    /// This replica is no longer the one that audits. Its gauges are removed.
    pub fn lost(&self) {
        self.scans.with(|state| *state = State::default());
    }

    /// A scan was complete. `gateways`: how each gateway authenticates, and the worst level of its findings.
    pub fn scan_completed(
        &self,
        gateways: impl Iterator<Item = (Authentication, Option<Level>)>,
        at: SystemTime,
        duration: Duration,
    ) {
        let all = AUTHENTICATIONS.iter().flat_map(|authentication| LEVELS.map(|level| (*authentication, level)));
        let mut counts: BTreeMap<_, i64> =
            all.map(|(authentication, level)| (GatewayLabels::of(authentication, level), 0)).collect();
        for (authentication, level) in gateways {
            *counts.entry(GatewayLabels::of(authentication, level)).or_default() += 1;
        }
        self.scans.with(|state| state.last = Some(Scan { gateways: counts, completed_at: at, duration }));
    }

    /// A part of the audit failed.
    pub fn failed(&self, part: AuditPart) {
        self.failures.get_or_create(&FailureLabels { part: part.into() }).inc();
    }
}

impl Scans {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Collector for Scans {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.with(|state| {
            let is_held = state.held_until.is_some_and(|until| Instant::now() < until);
            let Some(scan) = state.last.as_ref().filter(|_| is_held) else { return Ok(()) };
            let help = "Gateways of the cluster, by the way they authenticate and the worst level of their findings";
            let mut family = encoder.encode_descriptor("gateways", help, None, MetricType::Gauge)?;
            for (labels, count) in &scan.gateways {
                ConstGauge::new(*count).encode(family.encode_family(labels)?)?;
            }
            let help = "Time at which the last complete scan ended, as Unix time";
            let name = "audit_scan_timestamp";
            let gauge = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
            ConstGauge::new(unix_time(scan.completed_at)).encode(gauge)?;
            let (name, help) = ("audit_scan_duration", "Duration of the last complete scan");
            let gauge = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
            ConstGauge::new(scan.duration.as_secs_f64()).encode(gauge)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn the_gauges_are_exported_only_while_this_replica_audits() {
        let metrics = Metrics::default();
        let audit = metrics.audit();
        let gateways = [
            (Authentication::Key, Some(Level::Error)),
            (Authentication::Key, Some(Level::Error)),
            (Authentication::WorkloadIdentity, None),
        ];
        audit.scan_completed(gateways.into_iter(), SystemTime::UNIX_EPOCH, Duration::from_millis(1500));
        assert!(!metrics.to_text().contains("apim_keyless_gateways"));
        audit.held_until(Instant::now() + Duration::from_mins(1));
        let text = metrics.to_text();
        for line in [
            "apim_keyless_gateways{authentication=\"key\",level=\"error\"} 2",
            "apim_keyless_gateways{authentication=\"workloadIdentity\",level=\"none\"} 1",
            "apim_keyless_gateways{authentication=\"entraApp\",level=\"warning\"} 0",
            "apim_keyless_audit_scan_timestamp_seconds 0",
            "apim_keyless_audit_scan_duration_seconds 1.5",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert_eq!(text.matches("\napim_keyless_gateways{").count(), 20, "{text}");
        // as when the process was suspended and another replica has taken the Lease
        audit.held_until(Instant::now());
        assert!(!metrics.to_text().contains("apim_keyless_gateways"));
        audit.held_until(Instant::now() + Duration::from_mins(1));
        audit.lost();
        assert!(!metrics.to_text().contains("apim_keyless_gateways"));
    }
}
