//! When the next request is to be sent.

use super::Load;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::yield_now;

/// The turns of all connections together.
pub(super) struct Pace {
    start: Instant,
    time: Duration,
    /// Nanoseconds from turn to turn, where they are planned.
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

    /// Waits for the next turn and tells for when it was planned; none is left when the time is over.
    ///
    /// A connection that is still busy leaves its turn to another. If all are, the turn comes late, and the time that
    /// this takes counts as latency: who is slow can't hide behind not having been asked.
    pub(super) async fn turn(&self) -> Option<Instant> {
        let Some(interval) = self.interval else {
            return Some(Instant::now()).filter(|now| now.duration_since(self.start) < self.time);
        };
        #[expect(clippy::cast_precision_loss, reason = "nobody sends 2^52 requests")]
        let number = self.next.fetch_add(1, Ordering::Relaxed) as f64;
        let offset = Duration::from_secs_f64(number * interval / 1e9);
        let planned = self.start + offset;
        if offset >= self.time {
            return None;
        }
        // tokio's timers know only milliseconds
        while Instant::now() < planned {
            yield_now().await;
        }
        Some(planned)
    }
}
