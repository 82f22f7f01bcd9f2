//! Spans of reviews that continue the traces of a real API server, as a collector receives them.

use apim_keyless::server::serve_plain;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;
use std::future::pending;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use test_support::webhook::objects::{BARE, OLD_IMAGE, one};
use test_support::webhook::{Webhook, eventually};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The bodies that the collector has received.
type Received = Arc<Mutex<Vec<Value>>>;

/// A receiver of OTLP over HTTP: its address, and what it has received.
fn collector() -> &'static (String, Received) {
    static COLLECTOR: OnceLock<(String, Received)> = OnceLock::new();
    COLLECTOR.get_or_init(|| {
        let received = Received::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let receive = async |State(received): State<Received>, body: Bytes| {
            received.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            "{}"
        };
        let router = Router::new().route("/v1/traces", post(receive)).with_state(received.clone());
        // the thread ends with the test binary
        let serve = async || serve_plain(TcpListener::from_std(listener).unwrap(), router, pending()).await;
        thread::spawn(move || Runtime::new().unwrap().block_on(serve()));
        (address, received)
    })
}

fn spans(received: &Received) -> Vec<Value> {
    let bodies = received.lock().unwrap();
    let all = bodies.iter().flat_map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap());
    all.cloned().collect()
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a str {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.unwrap_or_else(|| panic!("no {key} in {span}"))["value"]["stringValue"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_has_a_span_in_the_trace_of_its_write() {
    let (_, received) = collector();
    let arguments = |_: &_| ["--otlp-endpoint", collector().0.as_str()].map(str::to_owned).to_vec();
    let Some(webhook) = Webhook::alone_with_traces(arguments) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("traces", Some("enforce")).await;
    user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await.stored();
    user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await.denied(&["unsupported-version"]);
    let of_the_user = |span: &Value| {
        attribute(span, "k8s.namespace.name") == "traces" && attribute(span, "k8s.object.kind") == "Deployment"
    };
    // the second Deployment lacks nothing, so only the validating webhook gets it
    let spans = eventually("three spans", || async {
        let spans: Vec<Value> = spans(received).into_iter().filter(of_the_user).collect();
        (spans.len() == 3).then_some(spans)
    })
    .await;

    let decisions: Vec<(&str, &str)> =
        spans.iter().map(|span| (span["name"].as_str().unwrap(), attribute(span, "apim_keyless.decision"))).collect();
    assert_eq!(decisions[0], ("enforce mutating", "mutated"));
    assert_eq!(decisions[1].0, "enforce validating");
    assert_eq!(decisions[2], ("enforce validating", "denied"));
    let ids = |key: &str| spans.iter().map(|span| span[key].as_str().unwrap()).collect::<Vec<_>>();
    let (traces, parents) = (ids("traceId"), ids("parentSpanId"));
    assert!(traces[0] == traces[1] && traces[1] != traces[2], "{traces:?}");
    assert!(parents.iter().all(|parent| parent.len() == 16) && parents[0] != parents[1], "{parents:?}");
    let mut own = ids("spanId");
    own.sort_unstable();
    own.dedup();
    assert_eq!(own.len(), 3);
    for span in &spans {
        let time = |key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{span}");
        // no value of an object
        assert!(!span.to_string().contains("azure-api-management"), "{span}");
    }
    assert!(webhook.metrics().await.contains("apim_keyless_trace_spans_total{outcome=\"exported\"}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trace_of_the_api_server_nothing_is_exported() {
    let arguments = |_: &_| ["--otlp-endpoint", collector().0.as_str()].map(str::to_owned).to_vec();
    let Some(webhook) = Webhook::of_test("untraced", arguments) else { return };
    let user = webhook.user("untraced", Some("enforce")).await;
    user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await.stored();
    let metrics = webhook.metrics().await;
    assert!(metrics.contains("apim_keyless_reviews_total{") && !metrics.contains("apim_keyless_trace_spans_total{"));
}
