//! HTTPS for reviews and plain HTTP for health: the same loop and the same connections, two handshakes.

use super::Limits;
use super::accept::{Acceptor, Handshake};
use axum::Router;
use rustls::ServerConfig;
use std::io;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is served, and within which bounds.
#[derive(Clone, Debug)]
pub struct Site {
    /// Answers the requests.
    pub router: Router,
    /// Bounds of the socket.
    pub limits: Limits,
}

/// Answers HTTPS on `listener` until `shutdown` completes, then drains as [`Limits`] describes, and returns.
///
/// HTTP/1.1 only, as `config` offers no other: the API server forces it for Services, and the attacks on HTTP/2 do
/// not exist then. An error of one connection ends that connection only, and is a debug event.
pub async fn serve(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    site: Site,
    shutdown: impl Future<Output = ()> + Send,
) {
    Acceptor::new(listener, TlsAcceptor::from(config), site).run(shutdown).await;
}

/// Answers plain HTTP on `listener` until `shutdown` completes; requests in flight have one second left then.
///
/// For the health port. Complete its `shutdown` when [`serve`] has returned, so that probes see the drain.
pub async fn serve_plain(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()> + Send) {
    Acceptor::new(listener, Plain, Site { router, limits: Limits::health() }).run(shutdown).await;
}

impl Handshake for TlsAcceptor {
    type Stream = TlsStream<TcpStream>;

    fn shake(&self, stream: TcpStream) -> impl Future<Output = io::Result<Self::Stream>> + Send {
        self.accept(stream)
    }
}

/// No handshake at all.
#[derive(Clone)]
struct Plain;

impl Handshake for Plain {
    type Stream = TcpStream;

    async fn shake(&self, stream: TcpStream) -> io::Result<Self::Stream> {
        Ok(stream)
    }
}
