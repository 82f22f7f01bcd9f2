//! A stream whose client has to come again, to go on with what it has begun, and to take its answer.
//!
//! hyper has one time-out for a header section, which runs while a connection is idle, too, and which it sets anew for
//! each request. Pools keep idle connections, so that would have to be long. Here an idle client has as long, and one that
//! has sent its first byte must be quicker; and one alarm serves a connection for its whole life, since to put it off is
//! cheaper than to set another.

use super::{ConnectionObserver, Limits, Wait};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

type Alarm = Pin<Box<Sleep>>;

/// Whose turn it is on a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionPhase {
    /// The client's, and it has not begun.
    Idle,
    /// The client's, and the rest of its header section is to come.
    Asking,
    /// Ours, or a body is being read, which is watched elsewhere.
    Answering,
}

/// Whose turn it is, as those know who call and answer.
#[derive(Clone)]
pub(super) struct ConnectionState {
    turn: Arc<Mutex<ConnectionPhase>>,
}

/// The stream.
pub(super) struct TimeoutStream<S> {
    stream: S,
    turns: ConnectionState,
    not_come: Alarm,
    /// What `not_come` is set for; it is for nothing else, whenever it rings.
    awaited: Option<ConnectionPhase>,
    not_taken: Option<Alarm>,
    limits: Limits,
    observer: Arc<dyn ConnectionObserver>,
}

impl ConnectionState {
    pub(super) fn new() -> Self {
        Self { turn: Arc::new(Mutex::new(ConnectionPhase::Idle)) }
    }

    /// A header section is complete.
    pub(super) fn asked(&self) {
        *self.lock() = ConnectionPhase::Answering;
    }

    /// An answer is ready. What comes from now on belongs to the next request.
    pub(super) fn answered(&self) {
        *self.lock() = ConnectionPhase::Idle;
    }

    /// Nothing is half done under this lock, so one that a panic left behind is as good as any.
    fn lock(&self) -> MutexGuard<'_, ConnectionPhase> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> TimeoutStream<S> {
    pub(super) fn new(
        stream: S,
        turns: ConnectionState,
        limits: Limits,
        observer: Arc<dyn ConnectionObserver>,
    ) -> Self {
        let not_come = Box::pin(sleep(limits.keep_alive_idle));
        Self { stream, turns, not_come, awaited: Some(ConnectionPhase::Idle), not_taken: None, limits, observer }
    }

    fn bytes_came(&mut self) {
        let mut turn = self.turns.lock();
        if *turn == ConnectionPhase::Idle {
            *turn = ConnectionPhase::Asking;
            self.awaited = None;
        }
    }

    /// Ready once the client, whose turn it is, has let too much time pass; whatever comes first puts that off.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<ConnectionPhase> {
        let turn = *self.turns.lock();
        let patience = match turn {
            ConnectionPhase::Idle => self.limits.keep_alive_idle,
            ConnectionPhase::Asking => self.limits.header_timeout,
            ConnectionPhase::Answering => return Poll::Pending,
        };
        if self.awaited != Some(turn) {
            self.awaited = Some(turn);
            self.not_come.as_mut().reset(Instant::now() + patience);
        }
        self.not_come.as_mut().poll(context).map(|()| turn)
    }

    fn late<T>(&self, wait: Wait) -> Poll<io::Result<T>> {
        self.observer.timed_out(wait);
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// Lets what was polled pass, unless nothing was taken for too long.
    fn watch<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.not_taken = None;
            return polled;
        }
        let patience = self.limits.answer_timeout;
        ready!(self.not_taken.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context));
        self.late(Wait::Answer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.bytes_came();
        }
        if polled.is_ready() {
            return polled;
        }
        match ready!(this.poll_alarm(context)) {
            // as if the client had ended the connection itself, which it may at any time
            ConnectionPhase::Idle => Poll::Ready(Ok(())),
            ConnectionPhase::Asking | ConnectionPhase::Answering => this.late(Wait::Header),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(polled, context)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        ready!(this.watch(polled, context))?;
        // hyper looked for more while it was answering, and looks again only when something wakes it
        _ = this.poll_alarm(context);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(context);
        this.watch(polled, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.watch(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
