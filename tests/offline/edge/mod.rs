//! A server for each test, and its clients.

mod binary;
mod clients;
mod fair;
mod handshakes;
mod overload;
mod raw;
mod slow;

use apim_keyless::server::{Condition, Drain, Health, HttpsClient, Limits, ServerSettings, bind, serve};
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

/// How long a test waits for what must happen, even on a slow machine.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A server in this process.
pub(crate) struct TestServer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The CA of its serving certificate.
    pub(crate) ca: Ca,
    /// Its readiness.
    pub(crate) health: Arc<Health>,
    /// Notify it to start the drain.
    pub(crate) shutdown: Arc<Notify>,
    /// Completes after the drain.
    pub(crate) ended: JoinHandle<()>,
    metrics: Metrics,
}

/// A duration in milliseconds.
pub(crate) fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Limits that a test does not reach because its machine is slow.
pub(crate) fn relaxed_limits() -> Limits {
    Limits { handshake_timeout: TEST_TIMEOUT, ..Limits::default() }
}

/// A drain that takes about a second.
pub(crate) fn short_drain() -> Drain {
    Drain { lag: milliseconds(600), idle_wait: milliseconds(600), timeout: 2 * SECOND }
}

/// Routes that respond at once, late, never, and with a panic.
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
        .route("/evaluate", post(async |body: Bytes| fair::evaluate(&body)))
        .route("/stuck", get(std::future::pending::<&'static str>).post(std::future::pending::<&'static str>))
        .route("/panic", get(panicking).post(panicking))
}

#[allow(clippy::panic, reason = "the test checks what the server does after a panic")]
async fn panicking() -> &'static str {
    panic!("requested by the test")
}

/// Starts a ready server on a free port.
pub(crate) async fn start(limits: Limits) -> TestServer {
    start_with(limits, short_drain(), WebPkiClientVerifier::no_client_auth()).await
}

/// Like [`start`], with a drain and a client verifier.
pub(crate) async fn start_with(limits: Limits, drain: Drain, clients: Arc<dyn ClientCertVerifier>) -> TestServer {
    let now = SystemTime::now();
    let ca = Ca::create(now).unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = ca.issue(&names, now, 3600 * SECOND).unwrap();
    let config = Arc::new(CertificateResolver::of(&certificate).server_config(clients).unwrap());
    let listener = bind(([127, 0, 0, 1], 0).into(), "HTTPS", "--listen").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, health, metrics) = (Arc::new(Notify::new()), Arc::new(Health::new()), Metrics::default());
    health.set_met(Condition::Start);
    let observer = Arc::new(metrics.connections());
    let settings = ServerSettings { router: router(), limits, drain, health: Arc::clone(&health), observer };
    let ended = tokio::spawn(serve(listener, config, settings, Arc::clone(&shutdown).notified_owned()));
    TestServer { address, ca, health, shutdown, ended, metrics }
}

impl TestServer {
    /// A client that trusts the CA and expects this server name.
    pub(crate) fn client(&self, name: &str) -> HttpsClient {
        HttpsClient::new(self.ca.certificate_pem(), self.address, name).unwrap()
    }

    /// A TLS connection whose client offers these protocols (ALPN).
    pub(crate) async fn handshake(&self, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        raw::connect_tls(self.address, raw::config(self.ca.certificate_pem(), protocols)).await
    }

    /// A TCP connection from this address of the loopback network.
    async fn connect_from(&self, source: [u8; 4]) -> std::io::Result<TcpStream> {
        raw::connect_from(source, self.address).await
    }

    /// A TLS connection from this address of the loopback network.
    async fn handshake_from(&self, source: [u8; 4]) -> std::io::Result<TlsStream<TcpStream>> {
        let config = raw::config(self.ca.certificate_pem(), &["http/1.1"]);
        raw::handshake(self.connect_from(source).await?, config).await
    }

    /// An HTTP connection that is kept open.
    pub(crate) async fn pooled(&self) -> PooledConnection {
        PooledConnection::on(self.handshake(&["http/1.1"]).await.unwrap()).await
    }

    /// The value of a metric, given by its name with labels; 0 if it does not exist.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        raw::metric(&self.metrics.to_text(), name)
    }
}

/// A connection that sends several requests, as a connection pool does.
pub(crate) struct PooledConnection {
    /// Sends requests on it.
    pub(crate) sender: SendRequest<Full<Bytes>>,
}

impl PooledConnection {
    /// Starts HTTP on a TLS connection.
    async fn on(stream: TlsStream<TcpStream>) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    /// Sends a GET request.
    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request(path)).await
    }

    /// Sends a GET request. Returns the text of the response, and whether it has `Connection: close`.
    pub(crate) async fn get_text(&mut self, path: &str) -> (String, bool) {
        let response = self.get(path).await.unwrap();
        let closes = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (String::from_utf8(body.to_vec()).unwrap(), closes)
    }
}

/// A GET request.
fn request(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", "localhost").body(Full::default()).unwrap()
}

/// Awaits a future that must complete within `limit`.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future).await.unwrap()
}

/// Sends a GET request over plain HTTP. Returns status, text and, if it is not plain text, content type.
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
