//! Permits that are shared fairly by peer address, and semaphores per peer address (`docs/adr/0015`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// A number of permits. With each that a peer address takes, it holds at most as many as are left free afterwards.
///
/// So one address alone gets half, and n addresses together leave at least 1/2ⁿ free, rounded down. Proof: an address
/// that took its last permit when f were free holds at most f. Of those f, only the addresses that took permits later
/// can have taken any. From the latest to the earliest, the addresses hold at most 1, 2, 4, … times as many as are free
/// now. With n addresses that is less than 2ⁿ times as many in all, the free ones included.
pub(super) struct FairPool {
    total: u32,
    permits: Mutex<Permits>,
}

struct Permits {
    free: u32,
    /// How many each address holds; without addresses that hold none.
    held: HashMap<IpAddr, u32>,
}

/// Permits of a [`FairPool`], until it is dropped.
pub(super) struct FairPermit {
    pool: Arc<FairPool>,
    peer: IpAddr,
    number: u32,
}

impl FairPool {
    pub(super) fn new(total: u32) -> Arc<Self> {
        Arc::new(Self { total, permits: Mutex::new(Permits { free: total, held: HashMap::new() }) })
    }

    /// The most permits that one address can hold.
    pub(super) fn largest_share(&self) -> u32 {
        if self.total > 1 { self.total / 2 } else { self.total }
    }

    /// Takes this number of permits, if `peer` may take them now.
    pub(super) fn try_acquire(self: &Arc<Self>, peer: IpAddr, number: u32) -> Option<FairPermit> {
        let mut permits = self.lock();
        let free = permits.free.checked_sub(number)?;
        let held = permits.held.get(&peer).copied().unwrap_or_default().checked_add(number)?;
        // the last permit is for an address that holds none; a request without a body needs no permit for its bytes
        if number > 0 && held > free.max(1) {
            return None;
        }
        permits.free = free;
        if held > 0 {
            permits.held.insert(peer, held);
        }
        Some(FairPermit { pool: Arc::clone(self), peer, number })
    }

    /// Ignores poisoning: no code panics between two changes.
    fn lock(&self) -> MutexGuard<'_, Permits> {
        self.permits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FairPermit {
    fn drop(&mut self) {
        let mut permits = self.pool.lock();
        permits.free = permits.free.saturating_add(self.number);
        if let Some(held) = permits.held.get_mut(&self.peer) {
            *held = held.saturating_sub(self.number);
            if *held == 0 {
                permits.held.remove(&self.peer);
            }
        }
    }
}

/// A semaphore for each peer address, with the same number of permits.
pub(super) struct PeerSemaphores {
    permits: usize,
    semaphores: Mutex<Semaphores>,
}

struct Semaphores {
    by_peer: HashMap<IpAddr, Weak<Semaphore>>,
    /// From this number of entries on, those without a holder and without a waiting task are removed.
    cleanup_at: usize,
}

const FIRST_CLEANUP: usize = 64;

impl PeerSemaphores {
    pub(super) fn new(permits: u32) -> Self {
        let semaphores = Semaphores { by_peer: HashMap::new(), cleanup_at: FIRST_CLEANUP };
        Self { permits: permits as usize, semaphores: Mutex::new(semaphores) }
    }

    /// Waits for a permit of this address, behind the tasks of the same address only.
    pub(super) async fn acquire(&self, peer: IpAddr) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.of(peer).acquire_owned().await
    }

    fn of(&self, peer: IpAddr) -> Arc<Semaphore> {
        let mut semaphores = self.semaphores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = semaphores.by_peer.get(&peer).and_then(Weak::upgrade) {
            return semaphore;
        }
        let semaphore = Arc::new(Semaphore::new(self.permits));
        semaphores.by_peer.insert(peer, Arc::downgrade(&semaphore));
        if semaphores.by_peer.len() >= semaphores.cleanup_at {
            semaphores.by_peer.retain(|_, semaphore| semaphore.strong_count() > 0);
            semaphores.cleanup_at = FIRST_CLEANUP.max(2 * semaphores.by_peer.len());
        }
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(number: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, number])
    }

    /// As many permits as the address gets, one by one.
    fn all_for(pool: &Arc<FairPool>, peer: IpAddr) -> Vec<FairPermit> {
        std::iter::from_fn(|| pool.try_acquire(peer, 1)).collect()
    }

    #[test]
    fn an_address_gets_half_of_what_the_others_leave_free() {
        let pool = FairPool::new(64);
        let permits: Vec<Vec<FairPermit>> = (0..8).map(|number| all_for(&pool, address(number))).collect();
        assert_eq!(permits.iter().map(Vec::len).collect::<Vec<_>>(), [32, 16, 8, 4, 2, 1, 1, 0]);
        drop(permits);
        assert_eq!(all_for(&pool, address(9)).len(), 32, "all were returned");
        assert!(pool.lock().held.is_empty(), "nothing is kept of addresses that hold nothing");
    }

    #[test]
    fn the_largest_share_is_what_an_address_gets_alone() {
        for total in 1..20 {
            let pool = FairPool::new(total);
            assert_eq!(all_for(&pool, address(0)).len(), pool.largest_share() as usize, "{total}");
            assert!(FairPool::new(total).try_acquire(address(0), pool.largest_share()).is_some(), "{total}");
        }
    }

    #[test]
    fn an_empty_body_needs_no_permit() {
        let pool = FairPool::new(1);
        let all = pool.try_acquire(address(0), 1);
        assert!(all.is_some() && (0..2).all(|number| pool.try_acquire(address(number), 0).is_some()));
    }

    proptest! {
        /// Whatever the addresses take and return, in whatever order.
        #[test]
        fn n_addresses_leave_the_nth_power_of_a_half_free(
            total in 1_u32..5000,
            steps in prop::collection::vec((0..5_u8, 1_u32..200, any::<bool>()), 0..400),
        ) {
            let pool = FairPool::new(total);
            let mut held: Vec<FairPermit> = Vec::new();
            for (number, size, is_taken) in steps {
                if is_taken {
                    held.extend(pool.try_acquire(address(number), size));
                } else if !held.is_empty() {
                    held.swap_remove(size as usize % held.len());
                }
                let permits = pool.lock();
                prop_assert!(permits.free >= total >> permits.held.len(), "{} of {total} are free", permits.free);
                prop_assert_eq!(permits.free + permits.held.values().sum::<u32>(), total);
            }
        }
    }

    #[tokio::test]
    async fn semaphores_of_addresses_without_a_task_are_removed() {
        let semaphores = PeerSemaphores::new(1);
        let kept = semaphores.acquire(address(0)).await;
        for number in 0..10_000_u32 {
            drop(semaphores.acquire(IpAddr::from(number.to_be_bytes())).await);
        }
        assert!(semaphores.semaphores.lock().unwrap().by_peer.len() <= 2 * FIRST_CLEANUP);
        assert_eq!(semaphores.of(address(0)).available_permits(), 0);
        drop(kept);
        assert_eq!(semaphores.of(address(0)).available_permits(), 1);
    }
}
