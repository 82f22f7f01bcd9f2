//! Metrics in OpenMetrics text. Labels are bounded: no name of an object, a namespace or a user is one.

use super::{ClusterMetrics, ConnectionMetrics};
use crate::admission::routes::ReviewObserver;
use crate::admission::{Answer, Decision, Endpoint};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Duration;

/// The metric families of the server. Clones count into the same ones.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reviews: Family<ReviewLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    review_error: Family<EndpointLabels, Counter>,
    deferred: Family<EndpointLabels, Counter>,
    duration: Family<EndpointLabels, Histogram>,
    connections: ConnectionMetrics,
    cluster: ClusterMetrics,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    webhook: &'static str,
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    webhook: &'static str,
    mode: &'static str,
    kind: String,
    decision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    rule: &'static str,
    mode: &'static str,
}

impl EndpointLabels {
    fn of(endpoint: Endpoint) -> Self {
        Self { webhook: endpoint.webhook.name(), mode: endpoint.mode.name() }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("apim_keyless");
        // a judgement takes tens of microseconds, so the buckets begin there (seconds)
        let buckets =
            || Histogram::new([0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 1.0]);
        let duration = Family::new_with_constructor(buckets as fn() -> Histogram);
        let (reviews, findings) = (Family::default(), Family::default());
        let (review_error, deferred) = (Family::default(), Family::default());
        registry.register("reviews", "Reviews that were answered", reviews.clone());
        registry.register("rulings", "Faults that were found, by rule and by the mode that counted", findings.clone());
        registry.register("undecodable", "Bodies that were no review", review_error.clone());
        registry.register(
            "postponed",
            "Reviews that were put off, since their namespace was not seen yet",
            deferred.clone(),
        );
        registry.register_with_unit(
            "review_duration",
            "From the whole body to the answer",
            Unit::Seconds,
            duration.clone(),
        );
        let connections = ConnectionMetrics::default();
        connections.register(&mut registry);
        let cluster = ClusterMetrics::default();
        cluster.register(&mut registry);
        registry.register("build", "The running build", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self { registry: Arc::new(registry), reviews, findings, review_error, deferred, duration, connections, cluster }
    }
}

impl Metrics {
    /// Those of the listening side.
    pub fn connections(&self) -> ConnectionMetrics {
        self.connections.clone()
    }

    /// What is kept up beside the reviews.
    pub fn cluster_metrics(&self) -> ClusterMetrics {
        self.cluster.clone()
    }

    /// Every family as OpenMetrics text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // writing to a String can't fail
        _ = encode(&mut text, &self.registry);
        text
    }
}

impl ReviewObserver for Metrics {
    fn answered(&self, endpoint: Endpoint, answer: &Answer, duration: Duration) {
        let (webhook, mode) = (endpoint.webhook.name(), endpoint.mode.name());
        let kind = answer.kind.map_or_else(|| "other".to_owned(), |kind| kind.to_string());
        self.reviews.get_or_create(&ReviewLabels { webhook, mode, kind, decision: answer.decision.name() }).inc();
        self.duration.get_or_create(&EndpointLabels::of(endpoint)).observe(duration.as_secs_f64());
        if answer.decision == Decision::Failed {
            self.connections.panics.inc();
        }
        for finding in &answer.findings {
            self.findings.get_or_create(&FindingLabels { rule: finding.rule.id, mode: finding.mode.name() }).inc();
        }
    }

    fn review_error(&self, endpoint: Endpoint) {
        self.review_error.get_or_create(&EndpointLabels::of(endpoint)).inc();
    }

    fn deferred(&self, endpoint: Endpoint) {
        self.deferred.get_or_create(&EndpointLabels::of(endpoint)).inc();
    }
}
