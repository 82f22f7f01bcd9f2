//! A webhook that allows everything and keeps what it is sent.

use apim_keyless::server::{Drain, Health, Limits, Need, ServerSettings, bind, serve};
use apim_keyless::tls::{Ca, CertificateResolver, everyone};
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

/// The name that the API server calls, and that the certificate is for.
const NAME: &str = "recorder.recorder.svc";

/// Every review so far, in the order in which they came.
#[derive(Clone, Default)]
pub(super) struct Tape {
    mutating: Reviews,
    validating: Reviews,
}

type Reviews = Arc<Mutex<Vec<Value>>>;

/// A place on the tape; the default is its beginning.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    mutating: usize,
    validating: usize,
}

/// Where a webhook listens, and whom to trust for it.
pub(super) struct Listening {
    /// Port on this machine.
    pub(super) port: u16,
    /// Its CA as a caBundle holds it.
    pub(super) authority: String,
}

impl Tape {
    /// Listens until the runtime ends.
    pub(super) async fn listen(&self) -> Listening {
        let now = SystemTime::now();
        let authority = Ca::create(now).unwrap();
        let leaf = authority.issue(&[NAME.to_owned()], now, Duration::from_hours(1)).unwrap();
        let listener = bind(([127, 0, 0, 1], 0).into(), "HTTPS", "--listen").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new()
            .route("/mutate", post(keep).with_state(Arc::clone(&self.mutating)))
            .route("/validate", post(keep).with_state(Arc::clone(&self.validating)));
        let health = Arc::new(Health::new());
        health.has(Need::Start);
        let (limits, drain) = (Limits::default(), Drain::standalone());
        let site = ServerSettings { router, limits, drain, health, observer: Arc::new(()) };
        tokio::spawn(serve(
            listener,
            Arc::new(CertificateResolver::of(&leaf).server_config(everyone()).unwrap()),
            site,
            pending(),
        ));
        Listening { port, authority: STANDARD.encode(authority.certificate_pem()) }
    }

    /// The first review that `is_meant` and came after `from`, as the mutating webhook was sent it.
    pub(super) fn mutating(&self, from: Place, is_meant: impl Fn(&Value) -> bool) -> Option<Value> {
        find(&self.mutating, from.mutating, is_meant)
    }

    /// The same as the validating webhook was sent it, with what the API server put in between.
    pub(super) fn validating(&self, from: Place, is_meant: impl Fn(&Value) -> bool) -> Option<Value> {
        find(&self.validating, from.validating, is_meant)
    }

    /// The end of the tape so far.
    pub(super) fn end(&self) -> Place {
        Place { mutating: self.mutating.lock().unwrap().len(), validating: self.validating.lock().unwrap().len() }
    }
}

fn find(reviews: &Reviews, from: usize, is_meant: impl Fn(&Value) -> bool) -> Option<Value> {
    reviews.lock().unwrap().iter().skip(from).find(|review| is_meant(&review["request"])).cloned()
}

async fn keep(State(reviews): State<Reviews>, body: Bytes) -> impl IntoResponse {
    let review: Value = serde_json::from_slice(&body).unwrap();
    let response = json!({"uid": review["request"]["uid"], "allowed": true});
    let answer = json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response});
    reviews.lock().unwrap().push(review);
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}
