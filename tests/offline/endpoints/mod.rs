//! The three endpoints on a real server, and the reviews that were recorded from a real API server.

mod bad_bodies;
mod panics;
mod strange_objects;
mod verify;

pub(crate) use verify::verify;

use apim_keyless::admission::routes::{AdmissionState, router};
use apim_keyless::admission::{Endpoint, MessageOptions};
use apim_keyless::server::{Condition, Drain, Health, Limits, ServerSettings, bind, serve};
use apim_keyless::telemetry::Metrics;
use apim_keyless::tls::{Ca, CertificateResolver, allow_any_client, provider, root_store};
use apim_keyless_core::policy::Policy;
use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use hyper::http::request;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::fs;
use std::future::pending;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The policy document with the expectations for the recorded gateways.
const POLICY: &str = "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: tests}
spec:
  defaults:
    clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
    serviceAccount: apim-gateway-workload-identity
    configMap: apim-gateway-env
";

/// A server; each test starts its own.
pub(crate) struct ReviewServer {
    address: SocketAddr,
    connector: TlsConnector,
}

/// The HTTP response to a call; its body is not always a review.
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// The response body.
    pub(crate) text: String,
}

impl ReviewServer {
    /// Starts the server on a free port, over HTTPS.
    pub(crate) async fn open() -> Self {
        let now = SystemTime::now();
        let ca = Ca::create(now).unwrap();
        let certificate = ca.issue(&["localhost".to_owned()], now, Duration::from_hours(1)).unwrap();
        let listener = bind(([127, 0, 0, 1], 0).into(), "HTTPS", "--listen").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = AdmissionState {
            policy: ArcSwap::from_pointee(Policy::parse(POLICY).unwrap()),
            related: Arc::default(),
            messages: MessageOptions::default(),
            second_look: apim_keyless::admission::SecondLook::default(),
            observer: Box::new(Metrics::default()),
        };
        let health = Arc::new(Health::new());
        health.set_met(Condition::Start);
        let site = ServerSettings {
            router: router(Arc::new(state)),
            limits: Limits::default(),
            drain: Drain::standalone(),
            health,
            observer: Arc::new(()),
        };
        tokio::spawn(serve(
            listener,
            Arc::new(CertificateResolver::of(&certificate).server_config(allow_any_client()).unwrap()),
            site,
            pending(),
        ));
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(root_store(ca.certificate_pem()).unwrap())
            .with_no_client_auth();
        Self { address, connector: TlsConnector::from(Arc::new(config)) }
    }

    /// Posts a body like the API server.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.call(Request::post(path).header(CONTENT_TYPE, "application/json"), body).await
    }

    /// Posts a review, and verifies the answer like the API server.
    pub(crate) async fn ask(&self, endpoint: Endpoint, review: &Value) -> Value {
        let reply = self.post(&endpoint.path(), review.to_string()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        let answer: Value = serde_json::from_str(&reply.text).expect("one JSON document");
        if let Err(violation) = verify(endpoint, review, &answer) {
            panic!("{}: {violation}\n{answer:#}", endpoint.path());
        }
        answer["response"].clone()
    }

    /// Sends one request on a new connection.
    pub(crate) async fn call(&self, request: request::Builder, body: impl Into<Bytes>) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        // without it the request waits until the end of the handshake is acknowledged
        stream.set_nodelay(true).unwrap();
        let stream = self.connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let body = body.into();
        let request = request.header(HOST, "localhost").header(CONTENT_LENGTH, body.len());
        let request = request.body(Full::new(body)).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        Reply { status, text: String::from_utf8(text.to_vec()).unwrap() }
    }
}

/// Every recorded review with its name, sorted by name.
pub(crate) fn recorded() -> Vec<(String, Value)> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|file| Some(file.unwrap().file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), review(&name))).collect()
}

/// The recorded review of this name.
pub(crate) fn review(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(format!("{name}.json")));
    serde_json::from_str(&text.unwrap_or_else(|error| panic!("{name} was not recorded: {error}"))).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reviews")
}

/// A response for a snapshot: with its patch decoded, and without the recorded uid.
pub(crate) fn readable(mut response: Value) -> Value {
    response.as_object_mut().unwrap().remove("uid");
    if let Some(patch) = patch(&response) {
        response["patch"] = patch;
    }
    response
}

/// The patch of a response.
pub(crate) fn patch(response: &Value) -> Option<Value> {
    let bytes = STANDARD.decode(response.get("patch")?.as_str()?).unwrap();
    Some(serde_json::from_slice(&bytes).unwrap())
}

/// The outcome of a review: `denied`, `mutated`, `warned` or `allowed`.
pub(crate) fn outcome(response: &Value) -> &'static str {
    match () {
        () if response["allowed"] == json!(false) => "denied",
        () if response.get("patch").is_some() => "mutated",
        () if response.get("warnings").is_some() => "warned",
        () => "allowed",
    }
}
