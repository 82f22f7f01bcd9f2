//! The accept loop, and how it ends without losing a request.
//!
//! hyper's graceful shutdown alone closes idle connections at once, and a request that is on its way on one of them is
//! lost: the API server repeats no POST. So a drain keeps accepting and asks every client to close, by its answer; it
//! closes connections itself only when their clients had the time to do so.

use super::connection::{self, Phase};
use super::limiter::Limiter;
use super::{ConnectionObserver, Drain, ServerSettings, Wait};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// The pause after an accept that failed for want of something, mostly of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What comes between a TCP connection and HTTP.
pub(super) trait Handshake: Clone + Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn shake(&self, stream: TcpStream) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// A listening socket with its open connections.
pub(super) struct Acceptor<H> {
    listener: TcpListener,
    handshake: H,
    limiter: Arc<Limiter>,
    phase: watch::Sender<Phase>,
    connections: JoinSet<()>,
}

impl<H: Handshake> Acceptor<H> {
    pub(super) fn new(listener: TcpListener, handshake: H, settings: ServerSettings) -> Self {
        let (limiter, phase) = (Arc::new(Limiter::of(settings)), watch::Sender::new(Phase::Serving));
        Self { listener, handshake, limiter, phase, connections: JoinSet::new() }
    }

    /// Accepts until `shutdown`, drains, and returns when all connections have ended or were cut.
    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let Drain { lag, idle_wait, timeout } = self.limiter.settings.drain;
        self.accept_until(shutdown).await;
        self.phase.send_replace(Phase::Draining);
        self.accept_until(tokio::time::sleep(lag)).await;

        let Self { listener, limiter, phase, mut connections, .. } = self;
        drop(listener);
        ended_within(&mut connections, idle_wait, &*limiter.settings.observer).await;
        phase.send_replace(Phase::Closing);
        if !ended_within(&mut connections, timeout, &*limiter.settings.observer).await {
            tracing::warn!(connections = connections.len(), "cut connections that did not end in time");
        }
    }

    async fn accept_until(&mut self, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            let has_room = self.connections.len() < self.limiter.settings.limits.connections as usize;
            tokio::select! {
                () = &mut end => return,
                Some(outcome) = self.connections.join_next() => note_panic(outcome, &*self.limiter.settings.observer),
                accepted = self.listener.accept(), if has_room => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer),
                    Err(error) => pause_after(&error).await,
                },
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let (handshake, limiter, phase) = (self.handshake.clone(), Arc::clone(&self.limiter), self.phase.subscribe());
        self.connections.spawn(async move {
            let settings = &limiter.settings;
            let _open = Open::count(&settings.observer);
            // Answers are small and complete; to wait for more of them only delays a review.
            let _ = stream.set_nodelay(true);
            let shaken = tokio::time::timeout(settings.limits.handshake_timeout, handshake.shake(stream)).await;
            match shaken {
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

/// A connection as it is counted: also one that panics, or is cut, has ended.
struct Open(Arc<dyn ConnectionObserver>);

impl Open {
    fn count(observer: &Arc<dyn ConnectionObserver>) -> Self {
        observer.opened();
        Self(Arc::clone(observer))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// An error of the connection that was to be accepted says nothing of the next; any other would come again at once.
async fn pause_after(error: &io::Error) {
    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
    {
        tracing::debug!(%error, "a connection ended before it was accepted");
        return;
    }
    tracing::warn!(%error, "cannot accept connections");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn ended_within(connections: &mut JoinSet<()>, patience: Duration, observer: &dyn ConnectionObserver) -> bool {
    let all = async {
        while let Some(outcome) = connections.join_next().await {
            note_panic(outcome, observer);
        }
    };
    tokio::time::timeout(patience, all).await.is_ok()
}

/// The panic's own text stays out of the log: it may quote a request.
fn note_panic(outcome: Result<(), JoinError>, observer: &dyn ConnectionObserver) {
    if outcome.is_err_and(|error| error.is_panic()) {
        observer.panicked();
        tracing::error!("a connection was lost to a panic");
    }
}
