//! A webhook that allows every request and records its review.

use apim_keyless::server::{Condition, Drain, Health, Limits, ServerSettings, bind, serve};
use apim_keyless::tls::{Ca, CertificateResolver, allow_any_client};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// The DNS name that the API server calls, and the name in the certificate.
const NAME: &str = "recorder.recorder.svc";

/// All reviews so far, in the order of arrival.
#[derive(Clone, Default)]
pub(super) struct Recording {
    mutating: Reviews,
    validating: Reviews,
}

type Reviews = Arc<Mutex<Vec<Value>>>;

/// A position in the recording; the default is its start.
#[derive(Clone, Copy, Default)]
pub(super) struct Position {
    mutating: usize,
    validating: usize,
}

/// The address and the CA of the webhook.
pub(super) struct WebhookAddress {
    /// Local port.
    pub(super) port: u16,
    /// Its CA in the form of a caBundle.
    pub(super) ca_bundle: String,
}

impl Recording {
    /// Listens until the runtime ends.
    pub(super) async fn listen(&self) -> WebhookAddress {
        let now = SystemTime::now();
        let ca = Ca::create(now).unwrap();
        let certificate = ca.issue(&[NAME.to_owned()], now, Duration::from_hours(1)).unwrap();
        let listener = bind(([127, 0, 0, 1], 0).into(), "HTTPS", "--listen").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new()
            .route("/mutate", post(keep).with_state(Arc::clone(&self.mutating)))
            .route("/validate", post(keep).with_state(Arc::clone(&self.validating)));
        let health = Arc::new(Health::new());
        health.set_met(Condition::Start);
        let (limits, drain) = (Limits::default(), Drain::standalone());
        let site = ServerSettings { router, limits, drain, health, observer: Arc::new(()) };
        tokio::spawn(serve(
            listener,
            Arc::new(CertificateResolver::of(&certificate).server_config(allow_any_client()).unwrap()),
            site,
            pending(),
        ));
        WebhookAddress { port, ca_bundle: STANDARD.encode(ca.certificate_pem()) }
    }

    /// The first matching review of the mutating webhook after `from`.
    pub(super) fn mutating(&self, from: Position, matches: impl Fn(&Value) -> bool) -> Option<Value> {
        find(&self.mutating, from.mutating, matches)
    }

    /// The first matching review of the validating webhook after `from`, with everything that was set after mutation.
    pub(super) fn validating(&self, from: Position, matches: impl Fn(&Value) -> bool) -> Option<Value> {
        find(&self.validating, from.validating, matches)
    }

    /// The current end of the recording.
    pub(super) fn end(&self) -> Position {
        Position { mutating: self.mutating.lock().unwrap().len(), validating: self.validating.lock().unwrap().len() }
    }
}

fn find(reviews: &Reviews, from: usize, matches: impl Fn(&Value) -> bool) -> Option<Value> {
    reviews.lock().unwrap().iter().skip(from).find(|review| matches(&review["request"])).cloned()
}

async fn keep(State(reviews): State<Reviews>, body: Bytes) -> impl IntoResponse {
    let review: Value = serde_json::from_slice(&body).unwrap();
    let response = json!({"uid": review["request"]["uid"], "allowed": true});
    let answer = json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response});
    reviews.lock().unwrap().push(review);
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}
