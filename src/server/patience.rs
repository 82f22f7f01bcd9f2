//! A stream whose client has to go on with what it has begun.
//!
//! hyper has one time-out for a header section, which runs while a connection is idle, too. So that one is long, as
//! pools keep idle connections, and this stream has the short one: it runs from the first byte. A second watches that
//! the answer is taken.

use super::{Limits, Observer, Wait};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

type Alarm = Pin<Box<Sleep>>;

/// Whose turn it is on a connection.
enum Turn {
    /// The client's, and it has not begun.
    Idle,
    /// The client's, and the rest of its header section has to come before the alarm.
    Asking(Alarm),
    /// Ours, or a body is being read, which is watched elsewhere.
    Answering,
}

/// Whose turn it is, as those know who call and answer.
#[derive(Clone)]
pub(super) struct Turns {
    turn: Arc<Mutex<Turn>>,
}

/// The stream.
pub(super) struct Patient<S> {
    stream: S,
    turns: Turns,
    not_taken: Option<Alarm>,
    limits: Limits,
    observer: Arc<dyn Observer>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { turn: Arc::new(Mutex::new(Turn::Idle)) }
    }

    /// A header section is complete.
    pub(super) fn asked(&self) {
        *self.lock() = Turn::Answering;
    }

    /// An answer is ready. What comes from now on belongs to the next request.
    pub(super) fn answered(&self) {
        *self.lock() = Turn::Idle;
    }

    fn bytes_came(&self, patience: Duration) {
        let mut turn = self.lock();
        if matches!(*turn, Turn::Idle) {
            *turn = Turn::Asking(Box::pin(sleep(patience)));
        }
    }

    fn poll_late(&self, context: &mut Context<'_>) -> Poll<()> {
        match &mut *self.lock() {
            Turn::Asking(alarm) => alarm.as_mut().poll(context),
            Turn::Idle | Turn::Answering => Poll::Pending,
        }
    }

    /// Nothing is half done under this lock, so one that a panic left behind is as good as any.
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, turns: Turns, limits: Limits, observer: Arc<dyn Observer>) -> Self {
        Self { stream, turns, not_taken: None, limits, observer }
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

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.turns.bytes_came(this.limits.header_timeout);
        }
        if polled.is_ready() {
            return polled;
        }
        ready!(this.turns.poll_late(context));
        this.late(Wait::Header)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(polled, context)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        this.watch(polled, context)
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
