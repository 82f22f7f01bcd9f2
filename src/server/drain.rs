//! The time limits of a shutdown.

use std::time::Duration;

/// The phases of a shutdown, one after the other: [`lag`](Self::lag), then at most [`idle_wait`](Self::idle_wait),
/// then at most [`timeout`](Self::timeout). Their sum (110 s) must stay below the Pod's
/// `terminationGracePeriodSeconds`. The defaults are those of a replica in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long the server still accepts new connections after the shutdown began. Every response closes its
    /// connection. Clients need this time to learn that the endpoint is removed. Default 10 s.
    pub lag: Duration,
    /// How long after the lag idle connections may still send a request before the server closes them. Default 85 s:
    /// together with the lag this is longer than the 90 s for which the API server keeps idle connections, so the API
    /// server closes them itself.
    pub idle_wait: Duration,
    /// How long requests in flight may still take after that, before the server cuts them. Default 15 s.
    pub timeout: Duration,
}

impl Drain {
    /// For a server without a load balancer in front: it ends once the requests in flight are answered.
    pub fn standalone() -> Self {
        Self { lag: Duration::ZERO, idle_wait: Duration::ZERO, ..Self::default() }
    }

    /// For the health port, which shuts down last.
    pub(super) fn health() -> Self {
        Self { timeout: Duration::from_secs(1), ..Self::standalone() }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self { lag: Duration::from_secs(10), idle_wait: Duration::from_secs(85), timeout: Duration::from_secs(15) }
    }
}
