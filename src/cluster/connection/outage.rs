//! Logs what is repeated for a long time with growing intervals.

use super::ServerDescription;
use super::transport::{explain, is_unreachable};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The interval before a cause is logged a second time.
const FIRST_INTERVAL: Duration = Duration::from_secs(30);

/// The longest interval.
const LAST_INTERVAL: Duration = Duration::from_mins(10);

/// Decides which repetitions of a message are logged.
#[derive(Debug, Default)]
pub(crate) struct Repetitions {
    last: Option<Logged>,
}

#[derive(Debug)]
struct Logged {
    text: String,
    again_at: Instant,
    interval: Duration,
}

impl Repetitions {
    /// Whether to log `text` now: it is new, or its interval is over. The next interval is twice as long.
    pub(crate) fn is_due(&mut self, text: &str) -> bool {
        self.is_due_at(text, Instant::now())
    }

    fn is_due_at(&mut self, text: &str, now: Instant) -> bool {
        let interval = match &self.last {
            Some(last) if last.text == text && now < last.again_at => return false,
            Some(last) if last.text == text => (last.interval * 2).min(LAST_INTERVAL),
            _ => FIRST_INTERVAL,
        };
        self.last = Some(Logged { text: text.to_owned(), again_at: now + interval, interval });
        true
    }

    /// Forgets the message. Returns whether there was one.
    pub(crate) fn end(&mut self) -> bool {
        self.last.take().is_some()
    }
}

/// The log of whether an API server can be reached, for all clients of a connection.
pub(super) struct OutageLog {
    server: Arc<ServerDescription>,
    repetitions: Mutex<Repetitions>,
}

impl OutageLog {
    pub(super) fn new(server: Arc<ServerDescription>) -> Self {
        Self { server, repetitions: Mutex::default() }
    }

    /// Records the outcome of a request.
    pub(super) fn observe(&self, error: Option<&kube::Error>) {
        let mut repetitions = self.repetitions.lock().unwrap_or_else(PoisonError::into_inner);
        match error.filter(|error| is_unreachable(error)) {
            Some(error) => {
                let cause = explain(&self.server, error);
                if repetitions.is_due(&cause) {
                    tracing::warn!(cause, "cannot reach the API server, trying again");
                }
            }
            None if repetitions.end() => tracing::info!(url = self.server.url, "reached the API server again"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_logged_again_after_growing_intervals() {
        let mut repetitions = Repetitions::default();
        let start = Instant::now();
        let mut is_due = |text: &str, second| repetitions.is_due_at(text, start + Duration::from_secs(second));
        let logged_at: Vec<u64> = (0..3600).filter(|second| is_due("refused", *second)).collect();
        assert_eq!(logged_at, [0, 30, 90, 210, 450, 930, 1530, 2130, 2730, 3330]);
        assert!(is_due("another cause", 3600) && !is_due("another cause", 3601));
        assert!(repetitions.end() && !repetitions.end());
        assert!(repetitions.is_due_at("another cause", start));
    }
}
