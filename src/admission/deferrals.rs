//! Remembers which reviews were deferred, so that each is deferred once.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a deferral is remembered. The API server repeats a call after a second, until the webhook's timeout of at
/// most 30 seconds.
const REMEMBERED: Duration = Duration::from_secs(30);

/// How many deferrals are remembered. Beyond it the oldest is forgotten; its review is then deferred again, which ends
/// like an unavailable webhook.
const LIMIT: usize = 4096;

/// The reviews that were deferred a moment ago, by uid.
///
/// The cache may be a moment behind the API server, and the object that a denial rests on may have been fixed just
/// before. So such a review is answered with `503 Retry-After: 1` first; the API server repeats it with the same uid on
/// the same connection, and then it is decided.
#[derive(Default)]
pub struct Deferrals {
    hasher: RandomState,
    deferred: Mutex<VecDeque<(Instant, u64)>>,
}

impl Deferrals {
    /// Returns true if the review of this uid was not deferred yet, and remembers that it is now.
    pub(super) fn defer_first(&self, uid: &str, now: Instant) -> bool {
        let id = self.hasher.hash_one(uid);
        let mut deferred = self.deferred.lock().unwrap_or_else(PoisonError::into_inner);
        while deferred.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > REMEMBERED) {
            deferred.pop_front();
        }
        if deferred.iter().any(|(_, other)| *other == id) {
            return false;
        }
        if deferred.len() >= LIMIT {
            deferred.pop_front();
        }
        deferred.push_back((now, id));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_review_is_deferred_once() {
        let (deferrals, now) = (Deferrals::default(), Instant::now());
        assert!(deferrals.defer_first("a", now) && deferrals.defer_first("b", now));
        assert!(!deferrals.defer_first("a", now) && !deferrals.defer_first("b", now + REMEMBERED));
        assert!(deferrals.defer_first("a", now + REMEMBERED + Duration::from_millis(1)), "it is forgotten");
    }

    #[test]
    fn the_memory_is_bounded() {
        let (deferrals, now) = (Deferrals::default(), Instant::now());
        for number in 0..2 * LIMIT {
            assert!(deferrals.defer_first(&number.to_string(), now));
        }
        assert_eq!(deferrals.deferred.lock().unwrap().len(), LIMIT);
        assert!(deferrals.defer_first("0", now), "the oldest is forgotten first");
    }
}
