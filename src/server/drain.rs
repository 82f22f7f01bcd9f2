//! How patiently a listening socket ends.

use std::time::Duration;

/// The phases of a shutdown, which follow one another: [`lag`](Self::lag), then at most [`idle_wait`](Self::idle_wait),
/// then at most [`timeout`](Self::timeout). Their sum (110 s) has to stay below the Pod's
/// `terminationGracePeriodSeconds`. The defaults are those of a replica in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long new connections are still accepted after the shutdown was asked for, every answer closing its
    /// connection: clients need a while to learn that this endpoint goes. Default 10 s.
    pub lag: Duration,
    /// How long after the lag idle connections may still bring a request before they are closed. Default 85 s: with
    /// the lag longer than the 90 s that the API server keeps them, so that it closes them itself.
    pub idle_wait: Duration,
    /// How long requests in flight may then still take before they are cut. Default 15 s.
    pub timeout: Duration,
}

impl Drain {
    /// For a server that nobody balances over: it ends as soon as the requests in flight are answered.
    pub fn standalone() -> Self {
        Self { lag: Duration::ZERO, idle_wait: Duration::ZERO, ..Self::default() }
    }

    /// For the health port: it ends last.
    pub(super) fn health() -> Self {
        Self { timeout: Duration::from_secs(1), ..Self::standalone() }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self { lag: Duration::from_secs(10), idle_wait: Duration::from_secs(85), timeout: Duration::from_secs(15) }
    }
}
