//! Metrics of certificates, the cache and the policy document.

use crate::cluster::{CacheStatus, ClusterObserver};
use apim_keyless_core::policy::ExceptionState;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::time::{SystemTime, UNIX_EPOCH};
use strum::IntoStaticStr;

/// Metrics of certificates, the cache and the policy document. Clones share the same metrics.
#[derive(Clone, Default)]
pub struct RuntimeMetrics {
    certificate_expiry: Gauge,
    ca_expiry: Gauge,
    certificate_trusted: Gauge,
    certificate_failures: Counter,
    cache_current: Gauge,
    cache_current_at: Gauge,
    cache_namespaces: Gauge,
    cache_bytes: Gauge,
    cache_overflowed: Gauge,
    cache_stale: Family<KindLabels, Gauge>,
    watch_failures: Counter,
    policy_reloads: Family<PolicyLabels, Counter>,
    policy_loaded_at: Gauge,
    exceptions: Family<ExceptionLabels, Gauge>,
}

/// The outcome of reading the policy document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum PolicyReload {
    /// The document is valid and in use.
    Loaded,
    /// The document is missing or invalid; the previous policy stays in use.
    Invalid,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExceptionLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

impl RuntimeMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        self.register_certificates(registry);
        self.register_cache(registry);
        registry.register(
            "policy_reloads",
            "Times that the policy document was read, by outcome: loaded, or invalid (the previous policy stays in use)",
            self.policy_reloads.clone(),
        );
        let at = self.policy_loaded_at.clone();
        let help = "Time at which the policy in use was loaded, as Unix time";
        registry.register_with_unit("policy_loaded_timestamp", help, Unit::Seconds, at);
        let help =
            "Exceptions of the policy document, by state: active, expiring (within 14 days), or expired (no effect)";
        registry.register("exceptions", help, self.exceptions.clone());
    }

    fn register_certificates(&self, registry: &mut Registry) {
        let mut expiry = |name, help, gauge: &Gauge| {
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
        };
        let help = "Time at which the serving certificate expires, as Unix time";
        expiry("certificate_expiry_timestamp", help, &self.certificate_expiry);
        let help = "Time at which the CA of the serving certificate expires, as Unix time; 0 if not self-managed";
        expiry("ca_expiry_timestamp", help, &self.ca_expiry);
        let help =
            "1 if every webhook entry trusts the CA of the serving certificate; 0 if not, or if not self-managed";
        registry.register("certificate_trusted", help, self.certificate_trusted.clone());
        let help = "Failed attempts to read, renew or write CAs and caBundles";
        registry.register("certificate_failures", help, self.certificate_failures.clone());
    }

    fn register_cache(&self, registry: &mut Registry) {
        let help = "1 if the cache holds the current state of the cluster; 0 if not, or without --cluster";
        registry.register("cache_current", help, self.cache_current.clone());
        let (help, at) = ("Last time at which the cache was current, as Unix time", self.cache_current_at.clone());
        registry.register_with_unit("cache_current_timestamp", help, Unit::Seconds, at);
        registry.register("cache_namespaces", "Namespaces in the cache", self.cache_namespaces.clone());
        let (help, bytes) = ("Approximate size of the cached ServiceAccounts and ConfigMaps", self.cache_bytes.clone());
        registry.register_with_unit("cache", help, Unit::Bytes, bytes);
        let help = "1 if --cache-mib is too small: objects beyond it are not cached and count as unknown";
        registry.register("cache_overflowed", help, self.cache_overflowed.clone());
        let help = "1 if the API server has sent nothing for --cache-stale-after, so that this kind counts as unknown";
        registry.register("cache_stale", help, self.cache_stale.clone());
        let help = "Watches and lists of the API server that failed and were started again";
        registry.register("watch_failures", help, self.watch_failures.clone());
    }

    /// The policy document was read.
    pub fn policy_reloaded(&self, outcome: PolicyReload) {
        self.policy_reloads.get_or_create(&PolicyLabels { outcome: outcome.into() }).inc();
        if outcome == PolicyReload::Loaded {
            self.policy_loaded_at.set(unix_time(SystemTime::now()));
        }
    }

    /// The exceptions of the policy in use have these states now.
    pub fn exceptions_counted(&self, states: &[ExceptionState]) {
        for state in ExceptionState::all() {
            let number = states.iter().filter(|other| *other == state).count();
            let gauge = self.exceptions.get_or_create(&ExceptionLabels { state: state.name() });
            gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        }
    }
}

impl ClusterObserver for RuntimeMetrics {
    fn certificate_loaded(&self, not_after: SystemTime) {
        self.certificate_expiry.set(unix_time(not_after));
    }

    fn ca_loaded(&self, not_after: SystemTime) {
        self.ca_expiry.set(unix_time(not_after));
    }

    fn trust_checked(&self, is_trusted: bool) {
        self.certificate_trusted.set(is_trusted.into());
    }

    fn certificate_failed(&self) {
        self.certificate_failures.inc();
    }

    fn cache_changed(&self, cache_status: &CacheStatus) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.cache_namespaces.set(count(cache_status.namespaces));
        self.cache_bytes.set(count(cache_status.bytes));
        self.cache_current.set(cache_status.is_current.into());
        self.cache_overflowed.set((!cache_status.fits).into());
        for (kind, is_stale) in &cache_status.stale {
            self.cache_stale.get_or_create(&KindLabels { kind: kind.to_string() }).set((*is_stale).into());
        }
        if cache_status.is_current {
            self.cache_current_at.set(unix_time(SystemTime::now()));
        }
    }

    fn watch_failed(&self) {
        self.watch_failures.inc();
    }
}

pub(super) fn unix_time(moment: SystemTime) -> i64 {
    moment.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}
