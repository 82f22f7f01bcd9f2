//! A server of its own for each test, and what speaks to it.

#![allow(clippy::unwrap_used, reason = "only tests call this, and a fault here is theirs to fail with")]

mod binary;
mod clients;
mod handshakes;
mod overload;
mod raw;
mod slow;

use apim_keyless::server::{Drain, Health, HttpsClient, Limits, Need, ServerSettings, bind, serve};
use apim_keyless::telemetry::Metrics;
use apim_keyless::tls::{Ca, CertificateResolver};
use axum::Router;
use axum::routing::{get, post};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::CONNECTION;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

/// A second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// As long as a test waits for what must happen, however slow its machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server of its own for each test.
pub(crate) struct Edge {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Whoever trusts this trusts its certificate.
    pub(crate) authority: Ca,
    /// Whether it takes requests.
    pub(crate) health: Arc<Health>,
    /// Once notified, it drains.
    pub(crate) shutdown: Arc<Notify>,
    /// Is done when it has drained.
    pub(crate) ended: JoinHandle<()>,
    metrics: Metrics,
}

/// As many milliseconds.
pub(crate) fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Limits that no test reaches by the slowness of its machine.
pub(crate) fn patient() -> Limits {
    Limits { handshake_timeout: PATIENCE, ..Limits::default() }
}

/// A drain that takes tenths of seconds.
pub(crate) fn brief() -> Drain {
    Drain { lag: milliseconds(600), idle_wait: milliseconds(600), timeout: 2 * SECOND }
}

/// Answers at once, late, never, and with a panic.
fn router() -> Router {
    Router::new()
        .route("/quick", get(async || "quick"))
        .route("/echo", post(async |body: String| body))
        .route("/long", get(async || "x".repeat(8 * 1024 * 1024)))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(milliseconds(500)).await;
                "slow"
            }),
        )
        .route("/busy", post(async |_: Bytes| overload::busy()))
        .route("/stuck", get(std::future::pending::<&'static str>))
        .route("/panic", get(panicking).post(panicking))
}

#[allow(clippy::panic, reason = "what a panic of a handler does is the question")]
async fn panicking() -> &'static str {
    panic!("by request")
}

/// Starts a server on a port of its own, ready.
pub(crate) async fn start(limits: Limits) -> Edge {
    start_with(limits, brief(), WebPkiClientVerifier::no_client_auth()).await
}

/// The same, with a drain and clients of the test's choice.
pub(crate) async fn start_with(limits: Limits, drain: Drain, clients: Arc<dyn ClientCertVerifier>) -> Edge {
    let now = SystemTime::now();
    let authority = Ca::create(now).unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = authority.issue(&names, now, 3600 * SECOND).unwrap();
    let config = Arc::new(CertificateResolver::of(&leaf).server_config(clients).unwrap());
    let listener = bind(([127, 0, 0, 1], 0).into(), "HTTPS", "--listen").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, health, metrics) = (Arc::new(Notify::new()), Arc::new(Health::new()), Metrics::default());
    health.has(Need::Start);
    let observer = Arc::new(metrics.connections());
    let settings = ServerSettings { router: router(), limits, drain, health: Arc::clone(&health), observer };
    let ended = tokio::spawn(serve(listener, config, settings, Arc::clone(&shutdown).notified_owned()));
    Edge { address, authority, health, shutdown, ended, metrics }
}

impl Edge {
    /// A client that trusts the server under this name.
    pub(crate) fn client(&self, name: &str) -> HttpsClient {
        HttpsClient::new(self.authority.certificate_pem(), self.address, name).unwrap()
    }

    /// A handshake that offers these protocols (ALPN).
    pub(crate) async fn offer(&self, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        raw::shake(self.address, raw::config(self.authority.certificate_pem(), protocols)).await
    }

    /// A connection as a pool keeps it.
    pub(crate) async fn pooled(&self) -> Pooled {
        Pooled::on(self.offer(&["http/1.1"]).await.unwrap()).await
    }

    /// The value of a metric, named with its labels; 0 where it is not there.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        raw::metric(&self.metrics.to_text(), name)
    }
}

/// A connection that is used again and again.
pub(crate) struct Pooled {
    /// Sends requests on it.
    pub(crate) sender: SendRequest<Full<Bytes>>,
}

impl Pooled {
    /// HTTP on a connection.
    async fn on(stream: TlsStream<TcpStream>) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    /// Gets a path.
    pub(crate) async fn ask(&mut self, path: &str) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request(path)).await
    }

    /// The answer's text, and whether it closes the connection.
    pub(crate) async fn answer(&mut self, path: &str) -> (String, bool) {
        let response = self.ask(path).await.unwrap();
        let closes = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (String::from_utf8(body.to_vec()).unwrap(), closes)
    }
}

/// A request to get a path.
fn request(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", "localhost").body(Full::default()).unwrap()
}

/// What comes of a future that must be done in time.
pub(crate) async fn within<T>(patience: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(patience, future).await.unwrap()
}

/// Status, text and, if it is not plain text, content type.
pub(crate) async fn probe(address: SocketAddr, path: &str) -> (StatusCode, String, String) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let response: Response<Incoming> = sender.send_request(request(path)).await.unwrap();
    let status = response.status();
    let content_type = response.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let content_type = if content_type.starts_with("text/plain") { String::new() } else { content_type };
    (status, String::from_utf8(body.to_vec()).unwrap(), content_type)
}
