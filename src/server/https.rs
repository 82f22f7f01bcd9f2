//! HTTPS for reviews and plain HTTP for health: the same loop and the same connections, two handshakes.

use super::accept::{Acceptor, Handshake};
use super::{ConnectionObserver, Drain, Health, Limits};
use axum::Router;
use rustls::ServerConfig;
use rustls::server::Acceptor as HelloReader;
use std::io;
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// What is served, and within which bounds.
#[derive(Clone)]
pub struct ServerSettings {
    /// Answers the requests.
    pub router: Router,
    /// Bounds of the socket.
    pub limits: Limits,
    /// How it ends.
    pub drain: Drain,
    /// Whether requests are taken at all.
    pub health: Arc<Health>,
    /// Whom to tell what happens.
    pub observer: Arc<dyn ConnectionObserver>,
}

/// Answers HTTPS on `listener` until `shutdown` completes, then drains as [`Drain`] describes, and returns.
///
/// A request reaches the router with its whole body, while the site's health takes requests; whatever is beyond the
/// limits is answered by a [`Rejection`](super::Rejection).
///
/// HTTP/1.1 only, as `config` offers no other: the API server forces it for Services, and the attacks on HTTP/2 do
/// not exist then. An error of one connection ends that connection only, and is a debug event.
pub async fn serve(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    settings: ServerSettings,
    shutdown: impl Future<Output = ()> + Send,
) {
    let handshakes = Arc::new(Semaphore::new(settings.limits.handshakes as usize));
    Acceptor::new(listener, Tls { config, handshakes }, settings).run(shutdown).await;
}

/// Answers plain HTTP on `listener` until `shutdown` completes; requests in flight have one second left then.
///
/// For the health port. Complete its `shutdown` when [`serve`] has returned, so that probes see the drain.
pub async fn serve_plain(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()> + Send) {
    let health = Arc::new(Health::unconditional());
    let settings =
        ServerSettings { router, limits: Limits::health(), drain: Drain::health(), health, observer: Arc::new(()) };
    Acceptor::new(listener, Plain, settings).run(shutdown).await;
}

/// TLS, in two steps: a client that says nothing, or half a `ClientHello`, costs a connection but none of the bounded
/// number of handshakes, which is there for what costs computing time.
#[derive(Clone)]
struct Tls {
    config: Arc<ServerConfig>,
    handshakes: Arc<Semaphore>,
}

impl Handshake for Tls {
    type Stream = TlsStream<BufReader<TcpStream>>;

    async fn shake(&self, stream: TcpStream) -> io::Result<Self::Stream> {
        let stream = BufReader::with_capacity(RECEIVED_BYTES, stream);
        let hello = LazyConfigAcceptor::new(HelloReader::default(), stream).await?;
        // waits within the time-out of the handshake, and in a queue that the number of connections bounds
        let _permit = self.handshakes.acquire().await.map_err(io::Error::other)?;
        hello.into_stream(Arc::clone(&self.config)).await
    }
}

/// As much as most reviews take is received at once: rustls asks for half of it at a time.
const RECEIVED_BYTES: usize = 8 * 1024;

/// No handshake at all.
#[derive(Clone)]
struct Plain;

impl Handshake for Plain {
    type Stream = TcpStream;

    async fn shake(&self, stream: TcpStream) -> io::Result<Self::Stream> {
        Ok(stream)
    }
}
