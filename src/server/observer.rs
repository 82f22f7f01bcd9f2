//! What happens at a socket and is worth counting.

use super::Rejection;

/// Told of what happens at a socket, for metrics.
pub trait ConnectionObserver: Send + Sync + 'static {
    /// A connection was accepted.
    fn opened(&self) {}
    /// A connection has ended, however it did.
    fn closed(&self) {}
    /// A TLS handshake failed.
    fn handshake_failed(&self) {}
    /// A client took too long.
    fn timed_out(&self, _wait: Wait) {}
    /// A request was refused before anyone looked at what it says.
    fn rejected(&self, _refusal: Rejection) {}
    /// A connection was lost to a panic.
    fn panicked(&self) {}
}

/// Nobody is told.
impl ConnectionObserver for () {}

/// What a client is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// That it takes its answer.
    Answer,
    /// The rest of a body.
    Body,
    /// The rest of a TLS handshake.
    Handshake,
    /// The rest of a header section.
    Header,
}

impl Wait {
    /// Its name, as metrics write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Body => "body",
            Self::Handshake => "handshake",
            Self::Header => "header",
        }
    }
}
