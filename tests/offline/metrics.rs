//! docs/metrics.md lists every metric with its type and its labels, and no others.

use apim_keyless::admission::routes::{ReviewObserver as _, TracedReview};
use apim_keyless::admission::{Endpoint, MessageOptions, Request, TraceParent, Webhook, answer};
use apim_keyless::cluster::{CacheStatus, ClusterObserver as _};
use apim_keyless::server::{ConnectionObserver as _, Rejection, Wait};
use apim_keyless::telemetry::{AuditPart, Metrics, OtlpEndpoint, PolicyReload};
use apim_keyless_core::gateway::{Authentication, Kind, RelatedObjects};
use apim_keyless_core::policy::{ExceptionState, Mode, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant, SystemTime};
use test_support::TODAY;

/// The type and the labels of each metric, by its name without the suffix of its type.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

#[test]
fn docs_list_exactly_the_exposed_metrics() {
    let page = fs::read_to_string("docs/metrics.md").expect("docs/metrics.md exists");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `apim_keyless_"));
    let listed: Families = rows
        .filter_map(|row| {
            let (metric, rest) = row.split_once("` | ")?;
            let (name, labels) = metric.split_once('{').unwrap_or((metric, "}"));
            let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
            let (kind, _) = rest.split_once(" |")?;
            Some((bare(name).to_owned(), (kind.to_owned(), labels.map(str::to_owned).collect())))
        })
        .collect();
    assert_eq!(listed, exposed());
}

/// The metrics that `/metrics` exposes once every event has been recorded.
fn exposed() -> Families {
    let metrics = Metrics::default();
    record_every_event(&metrics);
    let text = metrics.to_text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE apim_keyless_")?.split_once(' '));
    let labels = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("apim_keyless_"));
        let samples = lines.filter(|line| bare(line.split(['{', ' ']).next().unwrap_or_default()) == name);
        samples.flat_map(|line| line.split(['{', ',']).skip(1)).filter_map(label).collect()
    };
    types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), labels(name)))).collect()
}

fn label(text: &str) -> Option<String> {
    text.split_once("=\"").map(|(name, _)| name.to_owned()).filter(|name| name != "le")
}

/// The name of a metric without the suffix of its type.
fn bare(name: &str) -> &str {
    ["_total", "_info", "_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

fn record_every_event(metrics: &Metrics) {
    let endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
    let body = fs::read("tests/reviews/deployment-with-key.json").expect("a recorded review");
    let request = Request::read(&body).expect("the body is a review");
    let answer =
        answer(&Policy::default(), &RelatedObjects::default(), &MessageOptions::default(), endpoint, &request, TODAY);
    metrics.answered(endpoint, &answer, Duration::from_micros(50));
    metrics.review_error(endpoint);
    metrics.deferred(endpoint);
    let mut traced = metrics.clone();
    // nobody takes the span
    drop(traced.export_traces(OtlpEndpoint::parse("http://collector").unwrap()));
    let parent = TraceParent { trace_id: "a".repeat(32), span_id: "b".repeat(16) };
    let (start, end) = (SystemTime::now(), SystemTime::now());
    traced.traced(&TracedReview { parent: &parent, endpoint, start, end, request: &request, answer: &answer });
    let connections = metrics.connections();
    connections.opened();
    connections.connection_rejected();
    connections.handshake_failed();
    connections.timed_out(Wait::Body);
    connections.rejected(Rejection::NotReady);
    connections.panicked();
    let cluster = metrics.runtime_metrics();
    cluster.certificate_loaded(SystemTime::now());
    let stale = BTreeMap::from([(Kind::ConfigMap, false)]);
    cluster.cache_changed(&CacheStatus { namespaces: 1, bytes: 1, is_current: true, fits: true, stale });
    cluster.policy_reloaded(PolicyReload::Loaded);
    cluster.exceptions_counted(&[ExceptionState::Active]);
    let audit = metrics.audit();
    audit.held_until(Instant::now() + Duration::from_mins(1));
    audit.scan_completed([(Authentication::Key, None)].into_iter(), SystemTime::now(), Duration::from_secs(1));
    audit.failed(AuditPart::Scan);
}
