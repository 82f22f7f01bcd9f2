//! A stream with timeouts for the idle client, for the header section and for the client that does not read its
//! response.
//!
//! hyper has only one timeout for a header section. It also runs while a connection is idle, and hyper creates a new
//! timer for each request. Connection pools keep idle connections, so that timeout would have to be long. Here an
//! idle client gets a long timeout, and a client that has sent its first byte gets a short one. One timer serves a
//! connection for its whole life, because resetting a timer is cheaper than creating one.

use super::{ConnectionObserver, Limits, Wait};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

type Timer = Pin<Box<Sleep>>;

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionPhase {
    /// The first byte of a request.
    Idle,
    /// The rest of a header section.
    ReadingHeader,
    /// The response. `Limiter` limits the time of the body.
    Responding,
}

/// The phase of a connection. The stream and the service of the connection share it.
#[derive(Clone)]
pub(super) struct ConnectionState {
    phase: Arc<Mutex<ConnectionPhase>>,
}

/// A stream that fails with [`ErrorKind::TimedOut`] when its client is too slow. An idle stream ends instead.
pub(super) struct TimeoutStream<S> {
    stream: S,
    state: ConnectionState,
    read_timer: Timer,
    /// The phase that `read_timer` is set for. It does not count for another phase.
    timed_phase: Option<ConnectionPhase>,
    write_timer: Option<Timer>,
    limits: Limits,
    observer: Arc<dyn ConnectionObserver>,
}

impl ConnectionState {
    pub(super) fn new() -> Self {
        Self { phase: Arc::new(Mutex::new(ConnectionPhase::Idle)) }
    }

    /// The header section of a request is complete.
    pub(super) fn header_received(&self) {
        *self.lock() = ConnectionPhase::Responding;
    }

    /// The response is ready. Bytes that arrive from now on belong to the next request.
    pub(super) fn response_ready(&self) {
        *self.lock() = ConnectionPhase::Idle;
    }

    /// Ignores poisoning: the value is replaced as a whole, so a panic leaves no invalid state.
    fn lock(&self) -> MutexGuard<'_, ConnectionPhase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> TimeoutStream<S> {
    pub(super) fn new(
        stream: S,
        state: ConnectionState,
        limits: Limits,
        observer: Arc<dyn ConnectionObserver>,
    ) -> Self {
        let read_timer = Box::pin(sleep(limits.keep_alive_idle));
        let timed_phase = Some(ConnectionPhase::Idle);
        Self { stream, state, read_timer, timed_phase, write_timer: None, limits, observer }
    }

    /// Starts the timeout of the header section with its first byte.
    fn bytes_received(&mut self) {
        let mut phase = self.state.lock();
        if *phase == ConnectionPhase::Idle {
            *phase = ConnectionPhase::ReadingHeader;
            self.timed_phase = None;
        }
    }

    /// Ready with the current phase once its timeout has expired. A change of the phase restarts the timer.
    fn poll_read_timer(&mut self, context: &mut Context<'_>) -> Poll<ConnectionPhase> {
        let phase = *self.state.lock();
        let limit = match phase {
            ConnectionPhase::Idle => self.limits.keep_alive_idle,
            ConnectionPhase::ReadingHeader => self.limits.header_timeout,
            ConnectionPhase::Responding => return Poll::Pending,
        };
        if self.timed_phase != Some(phase) {
            self.timed_phase = Some(phase);
            self.read_timer.as_mut().reset(Instant::now() + limit);
        }
        self.read_timer.as_mut().poll(context).map(|()| phase)
    }

    fn time_out<T>(&self, wait: Wait) -> Poll<io::Result<T>> {
        self.observer.timed_out(wait);
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// Returns the result of a write, or an error once the client has read nothing for `response_timeout`.
    fn limit_write<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write_timer = None;
            return polled;
        }
        let limit = self.limits.response_timeout;
        ready!(self.write_timer.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(context));
        self.time_out(Wait::Response)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.bytes_received();
        }
        if polled.is_ready() {
            return polled;
        }
        match ready!(this.poll_read_timer(context)) {
            // looks like a close by the client, which may close an idle connection at any time
            ConnectionPhase::Idle => Poll::Ready(Ok(())),
            ConnectionPhase::ReadingHeader | ConnectionPhase::Responding => this.time_out(Wait::Header),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.limit_write(polled, context)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        ready!(this.limit_write(polled, context))?;
        // hyper polled for reading while the response was in progress; it polls again only when the timer wakes it
        _ = this.poll_read_timer(context);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(context);
        this.limit_write(polled, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.limit_write(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
