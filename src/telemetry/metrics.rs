//! Metrics in OpenMetrics text. Labels have few values: none holds the name of an object, a namespace or a user.

use super::traces::{SpanCounter, TraceQueue};
use super::{AuditMetrics, ConnectionMetrics, OtlpEndpoint, RuntimeMetrics, TraceExporter};
use crate::admission::routes::{ReviewObserver, TracedReview};
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

/// The metrics of the server. Clones share the same metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reviews: Family<ReviewLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    invalid_reviews: Family<EndpointLabels, Counter>,
    deferred_reviews: Family<EndpointLabels, Counter>,
    review_duration: Family<EndpointLabels, Histogram>,
    connections: ConnectionMetrics,
    runtime: RuntimeMetrics,
    audit: AuditMetrics,
    spans: SpanCounter,
    traces: Option<TraceQueue>,
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
        // an evaluation takes tens of microseconds, so the buckets (seconds) start there
        let buckets =
            || Histogram::new([0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 1.0]);
        let review_duration = Family::new_with_constructor(buckets as fn() -> Histogram);
        let (reviews, findings) = (Family::default(), Family::default());
        let (invalid_reviews, deferred_reviews) = (Family::default(), Family::default());
        registry.register("reviews", "Reviews that were answered, by decision", reviews.clone());
        registry.register("findings", "Findings, by rule and by the mode that applies", findings.clone());
        registry.register("invalid_reviews", "Bodies that are not a valid AdmissionReview", invalid_reviews.clone());
        let help = "Reviews that were answered 503 with Retry-After, because their namespace is not cached yet";
        registry.register("deferred_reviews", help, deferred_reviews.clone());
        let help = "Time from the complete request body to the response";
        registry.register_with_unit("review_duration", help, Unit::Seconds, review_duration.clone());
        let connections = ConnectionMetrics::default();
        connections.register(&mut registry);
        let runtime = RuntimeMetrics::default();
        runtime.register(&mut registry);
        let audit = AuditMetrics::default();
        audit.register(&mut registry);
        registry.register(
            "build",
            "Version of the running binary",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let spans = SpanCounter::default();
        registry.register("trace_spans", "Spans of reviews for --otlp-endpoint, by outcome", spans.clone());
        let registry = Arc::new(registry);
        Self {
            registry,
            reviews,
            findings,
            invalid_reviews,
            deferred_reviews,
            review_duration,
            connections,
            runtime,
            audit,
            spans,
            traces: None,
        }
    }
}

impl Metrics {
    /// Exports the traces of reviews, too. Returns the exporter, which must run.
    pub fn export_traces(&mut self, endpoint: OtlpEndpoint) -> TraceExporter {
        let (queue, exporter) = TraceQueue::new(endpoint, self.spans.clone());
        self.traces = Some(queue);
        exporter
    }

    /// The metrics of the port for reviews.
    pub fn connections(&self) -> ConnectionMetrics {
        self.connections.clone()
    }

    /// The metrics of certificates, the cache and the policy document.
    pub fn runtime_metrics(&self) -> RuntimeMetrics {
        self.runtime.clone()
    }

    /// The metrics of the audit.
    pub fn audit(&self) -> AuditMetrics {
        self.audit.clone()
    }

    /// All metrics as OpenMetrics text.
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
        self.review_duration.get_or_create(&EndpointLabels::of(endpoint)).observe(duration.as_secs_f64());
        if answer.decision == Decision::Failed {
            self.connections.panics.inc();
        }
        for finding in &answer.findings {
            self.findings.get_or_create(&FindingLabels { rule: finding.rule.id, mode: finding.mode.name() }).inc();
        }
    }

    fn review_error(&self, endpoint: Endpoint) {
        self.invalid_reviews.get_or_create(&EndpointLabels::of(endpoint)).inc();
    }

    fn deferred(&self, endpoint: Endpoint) {
        self.deferred_reviews.get_or_create(&EndpointLabels::of(endpoint)).inc();
    }

    fn exports_traces(&self) -> bool {
        self.traces.is_some()
    }

    fn traced(&self, review: &TracedReview<'_>) {
        if let Some(queue) = &self.traces {
            queue.add(review);
        }
    }
}
