//! Events of a listening socket, for metrics.

use super::Rejection;
use strum::IntoStaticStr;

/// Receives the events of a listening socket. Every method does nothing by default.
pub trait ConnectionObserver: Send + Sync + 'static {
    /// A connection was accepted.
    fn opened(&self) {}
    /// A connection was closed at once, because its peer address holds its share of all connections.
    fn connection_rejected(&self) {}
    /// A connection has ended, for whatever reason.
    fn closed(&self) {}
    /// A TLS handshake failed.
    fn handshake_failed(&self) {}
    /// A client exceeded a timeout.
    fn timed_out(&self, _wait: Wait) {}
    /// A request was rejected before its content was evaluated.
    fn rejected(&self, _rejection: Rejection) {}
    /// A panic ended a connection.
    fn panicked(&self) {}
}

/// Ignores every event.
impl ConnectionObserver for () {}

/// What the server waited for when a client exceeded a timeout.
#[derive(Clone, Copy, Debug, IntoStaticStr, PartialEq, Eq, Hash)]
#[strum(serialize_all = "kebab-case")]
pub enum Wait {
    /// The rest of a body.
    Body,
    /// The rest of a TLS handshake.
    Handshake,
    /// The rest of a header section.
    Header,
    /// The client, to read its response.
    Response,
}

impl Wait {
    /// The name in metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
