//! Metrics of what is kept up beside the reviews: certificates, surroundings, the policy document.

use crate::cluster::{CacheStatus, ClusterObserver};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is kept up. Clones tell of the same.
#[derive(Clone, Default)]
pub struct ClusterMetrics {
    certificate_expiry: Gauge,
    authority_expiry: Gauge,
    trusted: Gauge,
    neglects: Counter,
    namespaces: Gauge,
    related: Gauge,
    current: Gauge,
    room: Gauge,
    current_at: Gauge,
    losses: Counter,
    policy_read_at: Gauge,
    policies: Family<PolicyLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    outcome: &'static str,
}

impl ClusterMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let mut timestamp = |name, help, gauge: &Gauge| {
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
        };
        timestamp("certificate_expiry_timestamp", "When the certificate that is shown ends", &self.certificate_expiry);
        timestamp(
            "ca_expiry_timestamp",
            "When our CA that issued it ends; 0 if it is none of ours",
            &self.authority_expiry,
        );
        timestamp("policy_loaded_timestamp", "When the policy that counts was read", &self.policy_read_at);
        timestamp("cache_current_timestamp", "When the cluster was last seen as it is", &self.current_at);
        registry.register("certificate_trusted", "Does every webhook entry trust our CA", self.trusted.clone());
        registry.register(
            "certificate_failures",
            "Attempts to look after CA and caBundles that failed",
            self.neglects.clone(),
        );
        registry.register("cache_namespaces", "Namespaces that are seen", self.namespaces.clone());
        registry.register_with_unit("surroundings", "What is held of the cluster", Unit::Bytes, self.related.clone());
        registry.register("cache_current", "Is every change in the cluster told", self.current.clone());
        registry.register("cache_overflowed", "Was there room for everything", self.room.clone());
        registry.register("watch_failures", "Watches that broke off", self.losses.clone());
        registry.register(
            "policy_changes",
            "Changes of the policy document, by whether it could be used; else the one before stays",
            self.policies.clone(),
        );
    }

    /// The policy document was read; a document that can't be used changes nothing.
    pub fn policy_read(&self, is_usable: bool) {
        self.policies.get_or_create(&PolicyLabels { outcome: if is_usable { "used" } else { "unusable" } }).inc();
        if is_usable {
            self.policy_read_at.set(seconds(SystemTime::now()));
        }
    }
}

impl ClusterObserver for ClusterMetrics {
    fn shows(&self, not_after: SystemTime) {
        self.certificate_expiry.set(seconds(not_after));
    }

    fn issued_by(&self, not_after: SystemTime) {
        self.authority_expiry.set(seconds(not_after));
    }

    fn trusted(&self, is_trusted: bool) {
        self.trusted.set(is_trusted.into());
    }

    fn neglected(&self) {
        self.neglects.inc();
    }

    fn saw(&self, cache_status: &CacheStatus) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.namespaces.set(count(cache_status.namespaces));
        self.related.set(count(cache_status.bytes));
        self.current.set(cache_status.is_current.into());
        self.room.set(cache_status.has_room.into());
        if cache_status.is_current {
            self.current_at.set(seconds(SystemTime::now()));
        }
    }

    fn lost_sight(&self) {
        self.losses.inc();
    }
}

fn seconds(moment: SystemTime) -> i64 {
    moment.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}
