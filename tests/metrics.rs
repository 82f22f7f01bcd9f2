//! Every metric is in docs/metrics.md with its type and its labels, and the page lists no other.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use apim_keyless::admission::routes::ReviewObserver as _;
use apim_keyless::admission::{Endpoint, Request, Webhook, answer};
use apim_keyless::cluster::{CacheStatus, ClusterObserver as _};
use apim_keyless::gateway::RelatedObjects;
use apim_keyless::policy::{Mode, Policy};
use apim_keyless::server::{ConnectionObserver as _, Rejection, Wait};
use apim_keyless::telemetry::Metrics;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, SystemTime};

/// A metric's name without what its type adds, with its type and its labels.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

#[test]
fn the_page_lists_every_metric_and_no_other() {
    let page = fs::read_to_string("docs/metrics.md").expect("the page is there");
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
    assert_eq!(listed, told());
}

/// What is told once everything has happened.
fn told() -> Families {
    let metrics = Metrics::default();
    make_everything_happen(&metrics);
    let text = metrics.to_text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE apim_keyless_")?.split_once(' '));
    let labels = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("apim_keyless_"));
        let of_it = lines.filter(|line| bare(line.split(['{', ' ']).next().unwrap_or_default()) == name);
        of_it.flat_map(|line| line.split(['{', ',']).skip(1)).filter_map(label).collect()
    };
    types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), labels(name)))).collect()
}

fn label(text: &str) -> Option<String> {
    text.split_once("=\"").map(|(name, _)| name.to_owned()).filter(|name| name != "le")
}

/// The name of a metric without what its type adds.
fn bare(name: &str) -> &str {
    ["_total", "_info", "_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

fn make_everything_happen(metrics: &Metrics) {
    let endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
    let body = fs::read("tests/reviews/deployment-with-key.json").expect("a recorded review");
    let request = Request::read(&body).expect("it is one");
    let answer = answer(&Policy::default(), &RelatedObjects::default(), endpoint, &request);
    metrics.answered(endpoint, &answer, Duration::from_micros(50));
    metrics.review_error(endpoint);
    metrics.deferred(endpoint);
    let connections = metrics.connections();
    connections.opened();
    connections.handshake_failed();
    connections.timed_out(Wait::Body);
    connections.rejected(Rejection::NotReady);
    connections.panicked();
    let upkeep = metrics.cluster_metrics();
    upkeep.shows(SystemTime::now());
    upkeep.saw(&CacheStatus { namespaces: 1, bytes: 1, is_current: true, has_room: true });
    upkeep.policy_read(true);
}
