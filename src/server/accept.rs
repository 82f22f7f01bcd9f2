//! The accept loop and the drain at shutdown.
//!
//! hyper's graceful shutdown alone closes idle connections at once. A request that is on its way on such a connection
//! is lost, because the API server does not repeat a POST. So a drain keeps accepting connections and sends
//! `Connection: close` with every response. It closes connections itself only after their clients had the time to do
//! so.

use super::connection::{self, ServerPhase};
use super::fair_pool::{FairPermit, FairPool};
use super::limiter::Limiter;
use super::{ConnectionObserver, Drain, ServerSettings, Wait};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// The pause after a failed accept. Usually the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The step between a TCP connection and HTTP: TLS or nothing.
pub(super) trait Handshake: Clone + Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn handshake(&self, stream: TcpStream, peer: IpAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// A listening socket and its open connections.
pub(super) struct Acceptor<H> {
    listener: TcpListener,
    handshake: H,
    limiter: Arc<Limiter>,
    permits: Arc<FairPool>,
    phase: watch::Sender<ServerPhase>,
    connections: JoinSet<()>,
}

impl<H: Handshake> Acceptor<H> {
    pub(super) fn new(listener: TcpListener, handshake: H, settings: ServerSettings) -> Self {
        let permits = FairPool::new(settings.limits.connections);
        let (limiter, phase) = (Arc::new(Limiter::new(settings)), watch::Sender::new(ServerPhase::Serving));
        Self { listener, handshake, limiter, permits, phase, connections: JoinSet::new() }
    }

    /// Accepts connections until `shutdown`, drains, and returns once every connection has ended or was cut.
    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let Drain { lag, idle_wait, timeout } = self.limiter.settings.drain;
        self.accept_until(shutdown).await;
        self.phase.send_replace(ServerPhase::Draining);
        self.accept_until(tokio::time::sleep(lag)).await;

        let Self { listener, limiter, phase, mut connections, .. } = self;
        drop(listener);
        wait_for_end(&mut connections, idle_wait, &*limiter.settings.observer).await;
        phase.send_replace(ServerPhase::Closing);
        if !wait_for_end(&mut connections, timeout, &*limiter.settings.observer).await {
            tracing::warn!(connections = connections.len(), "drain timed out, closing the remaining connections");
        }
    }

    async fn accept_until(&mut self, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            let below_limit = self.connections.len() < self.limiter.settings.limits.connections as usize;
            tokio::select! {
                () = &mut end => return,
                Some(outcome) = self.connections.join_next() => report_panic(outcome, &*self.limiter.settings.observer),
                accepted = self.listener.accept(), if below_limit => match accepted {
                    Ok((stream, peer)) => self.admit(stream, SocketAddr::new(peer.ip().to_canonical(), peer.port())),
                    Err(error) => pause_after(&error).await,
                },
            }
        }
    }

    /// Serves a connection, or closes it if its address holds its share. It does not wait for another connection of
    /// its address to end: meanwhile it would use a file descriptor as well.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        if let Some(permit) = self.permits.try_acquire(peer.ip(), 1) {
            self.spawn(stream, peer, permit);
        } else {
            self.limiter.settings.observer.connection_rejected();
            tracing::debug!(%peer, "closed a connection: its address holds its share of --connections");
        }
    }

    fn spawn(&mut self, stream: TcpStream, peer: SocketAddr, permit: FairPermit) {
        let (handshake, limiter, phase) = (self.handshake.clone(), Arc::clone(&self.limiter), self.phase.subscribe());
        self.connections.spawn(async move {
            let settings = &limiter.settings;
            let _open = OpenConnection::new(&settings.observer, permit);
            // A response is small and is written at once: Nagle's algorithm would only delay it.
            let _ = stream.set_nodelay(true);
            let result =
                tokio::time::timeout(settings.limits.handshake_timeout, handshake.handshake(stream, peer.ip())).await;
            match result {
                Ok(Ok(stream)) => connection::serve(stream, peer, &limiter, phase).await,
                Ok(Err(error)) => {
                    settings.observer.handshake_failed();
                    tracing::debug!(%peer, %error, "handshake failed");
                }
                Err(_) => {
                    settings.observer.timed_out(Wait::Handshake);
                    tracing::debug!(%peer, "handshake timed out");
                }
            }
        });
    }
}

/// Counts a connection as open until it is dropped, so also if it panics or is cut.
struct OpenConnection {
    observer: Arc<dyn ConnectionObserver>,
    _permit: FairPermit,
}

impl OpenConnection {
    fn new(observer: &Arc<dyn ConnectionObserver>, permit: FairPermit) -> Self {
        observer.opened();
        Self { observer: Arc::clone(observer), _permit: permit }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.observer.closed();
    }
}

/// Pauses unless only the accepted connection failed: any other error would occur again at once.
async fn pause_after(error: &io::Error) {
    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
    {
        tracing::debug!(%error, "connection ended before it was accepted");
        return;
    }
    tracing::warn!(%error, "cannot accept connections");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

/// Waits until all connections have ended, at most `limit`. Returns whether they have.
async fn wait_for_end(connections: &mut JoinSet<()>, limit: Duration, observer: &dyn ConnectionObserver) -> bool {
    let all = async {
        while let Some(outcome) = connections.join_next().await {
            report_panic(outcome, observer);
        }
    };
    tokio::time::timeout(limit, all).await.is_ok()
}

/// Does not log the text of the panic: it may quote a request.
fn report_panic(outcome: Result<(), JoinError>, observer: &dyn ConnectionObserver) {
    if outcome.is_err_and(|error| error.is_panic()) {
        observer.panicked();
        tracing::error!("a panic ended a connection");
    }
}
