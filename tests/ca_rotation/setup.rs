//! What is explored in one search.

use crate::flaws::Flaw;
use crate::world::{Bundles, CaSet, FOREIGN, Replica, START, World, has};
use apim_keyless::tls::RotationPeriods;
use std::time::Duration;

/// How long things last, in ticks of the clock, and what may happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) ca: u8,
    pub(crate) certificate: u8,
    pub(crate) propagation_delay: u8,
    pub(crate) ca_overlap: u8,
    /// For how long it is looked on.
    pub(crate) ticks: u8,
    pub(crate) replicas: usize,
    pub(crate) configurations: usize,
    pub(crate) entries: usize,
    /// How often a replica may crash, fall asleep or be cut off.
    pub(crate) failures: u8,
    /// How often somebody else may do what follows.
    pub(crate) deeds: u8,
    /// May the Secret be deleted, or a CA in it be spoilt?
    pub(crate) destroys: bool,
    /// May bundles be wiped, or overwritten?
    pub(crate) tampers: bool,
    /// By how much a clock may be wrong, one at a time.
    pub(crate) skew: u8,
    /// What is wrong with the succession, to see that it is found.
    pub(crate) flaw: Option<Flaw>,
}

impl Setup {
    /// All replicas start at once, there is no Secret, and the bundles are empty.
    pub(crate) fn first(&self) -> World {
        let mut replicas = [Replica::default(); 3];
        replicas.iter_mut().take(self.replicas).for_each(|replica| replica.is_up = true);
        let mut ends = [0; 8];
        ends[usize::from(FOREIGN)] = u8::MAX;
        World {
            now: START,
            secret: 0,
            configurations: [[0; 2]; 2],
            made: 0,
            ends,
            replicas,
            failures: self.failures,
            deeds: self.deeds,
            held: [0; 8],
            damaged: 0,
            writes: 0,
        }
    }

    pub(crate) fn periods(&self) -> RotationPeriods {
        let ticks = |count: u8| Duration::from_secs(count.into());
        RotationPeriods {
            ca: ticks(self.ca),
            certificate: ticks(self.certificate),
            propagation_delay: ticks(self.propagation_delay),
            ca_overlap: ticks(self.ca_overlap),
        }
    }

    /// How long a CA stays in a bundle that nobody knows.
    pub(crate) fn patience(&self) -> u8 {
        self.propagation_delay + self.certificate + self.ca_overlap
    }

    /// The CAs that are in every entry.
    pub(crate) fn everywhere(&self, configurations: [Bundles; 2]) -> CaSet {
        let all = configurations[..self.configurations].iter().flat_map(|bundles| &bundles[..self.entries]);
        all.fold(CaSet::MAX, |all, bundle| all & bundle)
    }

    /// Is the CA in every entry, or would it be, had nobody else taken it out?
    pub(crate) fn is_trusted(&self, world: &World, number: u8) -> bool {
        has(self.everywhere(world.configurations) | world.damaged, number)
    }

    /// The same, and has been for the hold by every clock?
    pub(crate) fn is_surely_held(&self, world: &World, number: u8) -> bool {
        self.is_trusted(world, number) && world.held[usize::from(number)] >= self.propagation_delay + self.skew
    }

    /// The same, by any clock?
    pub(crate) fn is_held(&self, world: &World, number: u8) -> bool {
        self.is_trusted(world, number) && world.held[usize::from(number)] + self.skew >= self.propagation_delay
    }
}
