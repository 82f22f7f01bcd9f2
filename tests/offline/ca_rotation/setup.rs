//! The setup of one search.

use super::flaws::Flaw;
use super::state::{CaBundles, CaMask, Replica, START, State, UNKNOWN_CA, has};
use apim_keyless::tls::RotationPeriods;
use std::time::Duration;

/// The periods in ticks of the clock, and what may happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) ca: u8,
    pub(crate) certificate: u8,
    pub(crate) propagation_delay: u8,
    pub(crate) ca_overlap: u8,
    /// How many ticks are explored.
    pub(crate) ticks: u8,
    pub(crate) replicas: usize,
    pub(crate) configurations: usize,
    pub(crate) entries: usize,
    /// How often a replica may crash, be suspended or lose access.
    pub(crate) failures: u8,
    /// How often one of the following changes may happen.
    pub(crate) external_changes: u8,
    /// Whether the Secret may be deleted, or a CA in it damaged.
    pub(crate) damages_secret: bool,
    /// Whether caBundles may be emptied or overwritten.
    pub(crate) damages_ca_bundles: bool,
    /// By how many ticks a clock may be wrong; one at a time.
    pub(crate) skew: u8,
    /// What is wrong with the rotation, to test that the search finds it.
    pub(crate) flaw: Option<Flaw>,
}

impl Setup {
    /// The first state: all replicas start at once, there is no Secret, and the caBundles are empty.
    pub(crate) fn first(&self) -> State {
        let mut replicas = [Replica::default(); 3];
        replicas.iter_mut().take(self.replicas).for_each(|replica| replica.is_up = true);
        let mut expiries = [0; 8];
        expiries[usize::from(UNKNOWN_CA)] = u8::MAX;
        State {
            now: START,
            secret: 0,
            configurations: [[0; 2]; 2],
            created: 0,
            expiries,
            replicas,
            failures: self.failures,
            external_changes: self.external_changes,
            trusted_for: [0; 8],
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

    /// How long an unknown CA stays in a caBundle.
    pub(crate) fn longest_unknown(&self) -> u8 {
        self.propagation_delay + self.certificate + self.ca_overlap
    }

    /// The CAs that are in every caBundle.
    pub(crate) fn in_every_ca_bundle(&self, configurations: [CaBundles; 2]) -> CaMask {
        let all = configurations[..self.configurations].iter().flat_map(|ca_bundles| &ca_bundles[..self.entries]);
        all.fold(CaMask::MAX, |all, ca_bundle| all & ca_bundle)
    }

    /// Whether the CA is in every caBundle, or would be without external changes.
    pub(crate) fn is_trusted(&self, state: &State, number: u8) -> bool {
        has(self.in_every_ca_bundle(state.configurations) | state.damaged, number)
    }

    /// Whether it has been trusted for the propagation delay by every clock.
    pub(crate) fn is_surely_trusted_long_enough(&self, state: &State, number: u8) -> bool {
        self.is_trusted(state, number) && state.trusted_for[usize::from(number)] >= self.propagation_delay + self.skew
    }

    /// Whether it has been trusted for the propagation delay by at least one clock.
    pub(crate) fn is_trusted_long_enough(&self, state: &State, number: u8) -> bool {
        self.is_trusted(state, number) && state.trusted_for[usize::from(number)] + self.skew >= self.propagation_delay
    }
}
