//! Looks a second time at a denial that rests on a related object.

use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// How long until the second look. A watch is usually late by milliseconds. The shortest timeout of the webhook entries
/// is 2 s.
const DELAY: Duration = Duration::from_secs(1);

/// How many reviews wait at once: a quarter of the default of `--reviews`. A further one is decided at once, so nobody
/// can keep out the reviews of others by denials.
const WAITING: usize = 16;

/// Length limit of a body that waits, in bytes. Longer ones are evaluated on few threads, which must not wait.
const BODY_BYTES: usize = 64 * 1024;

/// Lets a review wait before a denial that rests on a related object.
///
/// The cache may be a moment behind the API server, and the related object may have been fixed just before. A response
/// `503` with `Retry-After` is no alternative: the API server asks again over any of its connections, so another replica
/// may get the call, and a webhook entry with `failurePolicy: Ignore` lets the object pass when its timeout ends.
pub struct SecondLook(Semaphore);

impl Default for SecondLook {
    fn default() -> Self {
        Self(Semaphore::new(WAITING))
    }
}

impl SecondLook {
    /// Waits, and returns true if the review can then be evaluated again; false, at once, if it must not wait.
    pub(super) async fn wait(&self, body: &[u8]) -> bool {
        if body.len() >= BODY_BYTES {
            return false;
        }
        let Ok(_permit) = self.0.try_acquire() else { return false };
        tracing::debug!("waits before a denial that rests on a related object");
        sleep(DELAY).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;

    #[tokio::test]
    async fn few_reviews_with_short_bodies_wait() {
        let second_look = SecondLook::default();
        let longest = vec![0; BODY_BYTES - 1];
        assert!(!second_look.wait(&vec![0; BODY_BYTES]).await);
        let waited = join_all((0..=WAITING).map(|_| second_look.wait(&longest))).await;
        let (last, others) = waited.split_last().unwrap();
        assert!(!last && others.iter().all(|waited| *waited), "{waited:?}");
        assert!(second_look.wait(b"").await, "a place is free again");
    }
}
