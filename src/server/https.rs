//! Serves reviews over HTTPS and health over plain HTTP. Both use the same accept loop and connections; only the
//! handshake differs.

use super::accept::{Acceptor, Handshake};
use super::fair_pool::PeerSemaphores;
use super::{ConnectionObserver, Drain, Health, Limits};
use axum::Router;
use rustls::ServerConfig;
use rustls::server::Acceptor as ClientHelloReader;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// What a listening socket serves, and its limits.
#[derive(Clone)]
pub struct ServerSettings {
    /// Handles the requests.
    pub router: Router,
    /// Limits of the socket.
    pub limits: Limits,
    /// Time limits of the shutdown.
    pub drain: Drain,
    /// Whether requests are accepted.
    pub health: Arc<Health>,
    /// Receives the events of the socket.
    pub observer: Arc<dyn ConnectionObserver>,
}

/// Serves HTTPS on `listener` until `shutdown` completes, drains as [`Drain`] describes, and returns.
///
/// The router gets a request together with its whole body, if [`ServerSettings::health`] accepts requests. A request
/// beyond the limits gets a [`Rejection`](super::Rejection).
///
/// HTTP/1.1 only, because `config` offers no other protocol: the API server forces HTTP/1.1 for Services, and attacks
/// on HTTP/2 are impossible. An error of one connection ends that connection only and is logged at debug.
pub async fn serve(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    settings: ServerSettings,
    shutdown: impl Future<Output = ()> + Send,
) {
    let handshakes = Arc::new(PeerSemaphores::new(settings.limits.handshakes));
    Acceptor::new(listener, Tls { config, handshakes }, settings).run(shutdown).await;
}

/// Serves plain HTTP on `listener` until `shutdown` completes. Requests in flight then have one second to finish.
///
/// For the health port. Complete its `shutdown` after [`serve`] has returned, so that probes see the drain.
pub async fn serve_plain(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()> + Send) {
    let health = Arc::new(Health::always_ready());
    let settings =
        ServerSettings { router, limits: Limits::health(), drain: Drain::health(), health, observer: Arc::new(()) };
    Acceptor::new(listener, Plain, settings).run(shutdown).await;
}

/// TLS in two steps. A client that has not sent a complete `ClientHello` occupies a connection, but none of the limited
/// number of handshakes: that limit is for the part that costs CPU time. Each address has its own limit, so a client
/// that stops in the middle delays no handshake of another address.
#[derive(Clone)]
struct Tls {
    config: Arc<ServerConfig>,
    handshakes: Arc<PeerSemaphores>,
}

impl Handshake for Tls {
    type Stream = TlsStream<BufReader<TcpStream>>;

    async fn handshake(&self, stream: TcpStream, peer: IpAddr) -> io::Result<Self::Stream> {
        let stream = BufReader::with_capacity(RECEIVE_BUFFER, stream);
        let hello = LazyConfigAcceptor::new(ClientHelloReader::default(), stream).await?;
        // the handshake timeout limits this wait, and the number of connections limits this queue
        let _permit = self.handshakes.acquire(peer).await.map_err(io::Error::other)?;
        hello.into_stream(Arc::clone(&self.config)).await
    }
}

/// Size of the receive buffer: most reviews fit, and rustls reads only half as much at a time.
const RECEIVE_BUFFER: usize = 8 * 1024;

/// No handshake.
#[derive(Clone)]
struct Plain;

impl Handshake for Plain {
    type Stream = TcpStream;

    async fn handshake(&self, stream: TcpStream, _: IpAddr) -> io::Result<Self::Stream> {
        Ok(stream)
    }
}
