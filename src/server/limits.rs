//! What one listening socket allows, and how patiently it ends.

use std::time::Duration;

/// Bounds of a listening socket. The defaults are those of a replica in a cluster.
///
/// At shutdown the phases follow one another: [`drain_lag`](Self::drain_lag), then at most
/// [`idle_wait`](Self::idle_wait), then at most [`drain_timeout`](Self::drain_timeout). Their sum (110 s) has to stay
/// below the Pod's `terminationGracePeriodSeconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a TLS handshake may take. Default 5 s.
    pub handshake_timeout: Duration,
    /// How long a connection may wait for a (next) request's complete head. Default 120 s: the API server keeps idle
    /// connections for 90 s and does not repeat a request that meets one we closed.
    pub keep_alive_idle: Duration,
    /// The size of a request's head in bytes. Default 16 KiB; above it the answer is 431.
    pub header_bytes: usize,
    /// The number of a request's header fields. Default 64; above it the answer is 431.
    pub headers: usize,
    /// The number of open connections. Default 2,048; above it connections wait in the socket's queue.
    pub connections: usize,
    /// How long new connections are still accepted after the shutdown was asked for, every answer closing its
    /// connection: clients need a while to learn that this endpoint goes. Default 10 s.
    pub drain_lag: Duration,
    /// How long after the lag idle connections may still bring a request before they are closed. Default 85 s: with
    /// the lag longer than the 90 s that the API server keeps them, so that it closes them itself.
    pub idle_wait: Duration,
    /// How long requests in flight may then still take before they are cut. Default 15 s.
    pub drain_timeout: Duration,
}

impl Limits {
    /// For a server that nobody balances over: it ends as soon as the requests in flight are answered.
    pub fn standalone() -> Self {
        Self { drain_lag: Duration::ZERO, idle_wait: Duration::ZERO, ..Self::default() }
    }

    /// For the health port: few clients, short requests, and it ends last.
    pub(super) fn health() -> Self {
        Self { connections: 256, drain_timeout: Duration::from_secs(1), ..Self::standalone() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            keep_alive_idle: Duration::from_mins(2),
            header_bytes: 16 * 1024,
            headers: 64,
            connections: 2048,
            drain_lag: Duration::from_secs(10),
            idle_wait: Duration::from_secs(85),
            drain_timeout: Duration::from_secs(15),
        }
    }
}
