//! Plans the time of the next request.

use super::Load;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::yield_now;

/// The times of the requests of all connections.
pub(super) struct Pace {
    start: Instant,
    time: Duration,
    /// Nanoseconds between two requests of an open load.
    interval: Option<f64>,
    next: AtomicU64,
}

impl Pace {
    pub(super) fn of(load: Load, time: Duration) -> Self {
        let interval = match load {
            Load::Closed(_) => None,
            Load::Open(rate) => Some(1e9 / rate),
        };
        Self { start: Instant::now(), time, interval, next: AtomicU64::default() }
    }

    /// Waits until the next request is due and returns its planned time; `None` after the end of the load.
    ///
    /// If a connection is busy, another one sends the request. If all are busy, the request is late, and the delay
    /// counts as latency, so a slow server cannot hide it.
    pub(super) async fn next_request(&self) -> Option<Instant> {
        let Some(interval) = self.interval else {
            return Some(Instant::now()).filter(|now| now.duration_since(self.start) < self.time);
        };
        #[expect(clippy::cast_precision_loss, reason = "a load has fewer than 2^52 requests")]
        let number = self.next.fetch_add(1, Ordering::Relaxed) as f64;
        let offset = Duration::from_secs_f64(number * interval / 1e9);
        let planned = self.start + offset;
        if offset >= self.time {
            return None;
        }
        // tokio's timers have only a resolution of milliseconds
        while Instant::now() < planned {
            yield_now().await;
        }
        Some(planned)
    }
}
