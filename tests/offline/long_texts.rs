//! No name and no number of findings makes a log line or a message long. The API server validates an object after the
//! webhooks have run, so a name may have megabytes.

use crate::endpoints::outcome;
use apim_keyless::admission::routes::{AdmissionState, router};
use apim_keyless::admission::{Endpoint, MessageOptions, SecondLook, Webhook};
use apim_keyless::telemetry::{LogFormat, Metrics, log_to};
use apim_keyless_core::policy::Policy;
use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::Request as Call;
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex};
use test_support::gateways::{container_with_auth_key, template, with_container};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The longest log line: container runtimes split longer ones.
const LINE_BYTES: usize = 16 * 1024;
/// The longest response without uid and patch.
const RESPONSE_BYTES: usize = 8 * 1024;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends a body to an endpoint. Returns the response and what was logged.
async fn sent(endpoint: Endpoint, body: &str, format: LogFormat) -> (String, String) {
    let state = AdmissionState {
        policy: ArcSwap::from_pointee(Policy::default()),
        related: Arc::default(),
        messages: MessageOptions::default(),
        second_look: SecondLook::default(),
        observer: Box::new(Metrics::default()),
    };
    let (log, router) = (Log::default(), TowerToHyperService::new(router(Arc::new(state))));
    let writer = log.clone();
    let subscriber = log_to(move || writer.clone(), format, true, Targets::new().with_default(LevelFilter::TRACE));
    let guard = tracing::dispatcher::set_default(&subscriber);
    let call = Call::post(endpoint.path()).header(CONTENT_TYPE, "application/json").body(Body::from(body.to_owned()));
    let response = router.call(call.unwrap()).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    drop(guard);
    let logged = log.0.lock().unwrap().clone();
    (String::from_utf8(response.to_vec()).unwrap(), String::from_utf8(logged).unwrap())
}

/// A text of `bytes` bytes of characters of which each is escaped in a log, in messages, or in neither.
fn long_texts(bytes: usize) -> [String; 5] {
    ["x", "\"\\", "\n\u{1}", "\u{200b}\u{ad}", "é😀"].map(|text| text.repeat(bytes / text.len()))
}

/// A review whose texts are all long, with an object that has `containers` gateway containers with a key.
fn review(text: &str, containers: usize) -> Value {
    let mut object = with_container("Deployment", "containers", container_with_auth_key());
    object["metadata"]["name"] = json!(text);
    let mut container = template(&mut object)["spec"]["containers"][0].clone();
    container["name"] = json!(if containers > 1 { "gateway" } else { text });
    // what is missing in many containers makes a long patch
    container.as_object_mut().unwrap().retain(|member, _| containers == 1 || member != "envFrom");
    template(&mut object)["spec"]["containers"] = Value::Array(vec![container; containers]);
    // no label, and a name of its own: each endpoint has findings
    template(&mut object)["metadata"] = json!({"labels": {text: text}, "annotations": {text: text}});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": text, "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "subResource": text,
        "name": text, "namespace": text, "operation": "CREATE", "userInfo": {"username": text}, "object": object,
    }})
}

#[tokio::test]
async fn no_review_makes_a_long_log_line_or_a_long_message() {
    let texts = [100_000, 500].map(long_texts);
    for (text, containers) in texts.iter().flatten().flat_map(|text| [(text, 1), (text, 16)]) {
        let body = review(text, containers).to_string();
        let formats = [LogFormat::Json, LogFormat::Text];
        for (endpoint, format) in
            Endpoint::ALL.into_iter().flat_map(|endpoint| formats.map(|format| (endpoint, format)))
        {
            let (response, logged) = sent(endpoint, &body, format).await;
            assert_bounded(&logged, format);
            let mut response: Value = serde_json::from_str(&response).unwrap();
            let mut response = response["response"].take();
            // an object that is too large is not evaluated, and the mutating webhook has nothing to set
            let is_evaluated = endpoint.webhook == Webhook::Validating || text.len() < 512;
            let decision = outcome(&response);
            assert_eq!(is_evaluated, decision != "allowed", "{} {} {containers}", endpoint.path(), text.len());
            let members = response.as_object_mut().unwrap();
            members.remove("uid");
            members.remove("patch");
            assert!(response.to_string().len() <= RESPONSE_BYTES, "{} bytes", response.to_string().len());
        }
    }
}

#[tokio::test]
async fn all_findings_are_counted_in_the_log() {
    let body = review(&"o".repeat(500), 16).to_string();
    let (_, logged) = sent(Endpoint::ALL[2], &body, LogFormat::Json).await;
    let event: Value = serde_json::from_str(&logged).unwrap();
    let violations = event["violations"].as_str().unwrap();
    let (shown, more) = violations.rsplit_once(" | and ").unwrap();
    let more: usize = more.strip_suffix(" more").unwrap().parse().unwrap();
    assert!(shown.split(" | ").count() + more >= 16 * 2, "{violations}");
}

#[tokio::test]
async fn a_body_that_is_no_review_makes_no_long_log_line() {
    for text in long_texts(100_000) {
        let member = json!({"request": {
            "uid": "a", "operation": "CREATE", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "object": {"metadata": {"labels": {text: 1}}},
        }});
        let mut review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"});
        review["request"] = member["request"].clone();
        for format in [LogFormat::Json, LogFormat::Text] {
            let (response, logged) = sent(Endpoint::ALL[1], &review.to_string(), format).await;
            assert_bounded(&logged, format);
            assert!(response.starts_with("request.object.metadata.labels"), "{response:.100}");
            assert!(response.len() <= RESPONSE_BYTES, "{} bytes", response.len());
        }
    }
}

/// Asserts that one line was logged, that it is not too long, and that it is JSON if it should be.
fn assert_bounded(logged: &str, format: LogFormat) {
    assert_eq!(logged.lines().count(), 1, "{logged:.2000}");
    assert!(logged.len() <= LINE_BYTES, "{} bytes: {logged:.2000}", logged.len());
    assert!(matches!(format, LogFormat::Text) || serde_json::from_str::<Value>(logged).is_ok(), "{logged:.2000}");
}
