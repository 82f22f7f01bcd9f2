//! Successions that are wrong in one thing each: a law that none of them breaks would be none.

use crate::machine::name;
use crate::world::FOREIGN;
use apim_keyless::tls::{CaBundle, CaChange, RotationPeriods, RotationState, UnknownCas};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nobody waits until the API server has noticed a new CA.
    NoHold,
    /// A CA is said to be trusted as soon as it is made, before it is in every entry.
    EarlyTrust,
    /// A leaf is taken of a CA that is not in every entry.
    EarlyIssue,
    /// An old CA is given up as if its leaves ended at once, and leaves the bundles then: either alone does no harm.
    EarlyRetirement,
    /// A leaf is renewed however long ago the CAs were seen.
    StaleRenewal,
    /// A CA that nobody knows leaves the bundles at once.
    NoStrangers,
    /// The same, but only as long as there are no CAs at all.
    BlindShrinking,
    /// A CA that nobody knows stays for ever, as it is forgotten since when it is there.
    NoMemory,
    /// No CA is followed by another.
    NeverSucceeded,
    /// CAs are added without a look at how many there are.
    Hoarding,
    /// A leaf is valid for as long as leaves are, however soon its CA ends.
    LongLeaves,
    /// A CA leaves the bundles as soon as one replica takes it for ended.
    EarlyEnd,
    /// A foreign CA is put into bundles and taken out again.
    Flicker,
}

/// What is asked of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    CaChange,
    Issuer,
    Wanted,
}

impl Flaw {
    /// What the succession is made to see instead.
    pub(crate) fn view(self, asked: Asked, view: RotationState<'_>) -> RotationState<'_> {
        let periods = view.periods;
        let instant = RotationPeriods { certificate: Duration::ZERO, ca_overlap: Duration::ZERO, ..periods };
        match (self, asked) {
            (Self::NoHold, Asked::Issuer) => {
                RotationState { periods: RotationPeriods { propagation_delay: Duration::ZERO, ..periods }, ..view }
            }
            (Self::EarlyIssue, Asked::CaChange | Asked::Issuer) => RotationState { entries: &[], ..view },
            (Self::EarlyRetirement, Asked::CaChange) => RotationState { periods: instant, ..view },
            (Self::StaleRenewal, Asked::Issuer) => RotationState { is_fresh: true, ..view },
            (Self::EarlyRetirement | Self::NoStrangers, Asked::Wanted) => {
                RotationState { periods: RotationPeriods { propagation_delay: Duration::ZERO, ..instant }, ..view }
            }
            (Self::Hoarding, Asked::CaChange) => RotationState { cas: &[], ..view },
            _ => view,
        }
    }

    /// Is this change of the CAs left undone?
    pub(crate) fn omits(self, change: &CaChange, view: &RotationState<'_>) -> bool {
        self == Self::NeverSucceeded && *change == CaChange::Add && !view.cas.is_empty()
    }

    /// What a bundle is made to hold instead.
    pub(crate) fn bundle(self, before: &CaBundle, right: CaBundle, view: &RotationState<'_>) -> CaBundle {
        match self {
            Self::BlindShrinking if view.cas.is_empty() => &right - before,
            Self::EarlyEnd => {
                let ended = view.cas.iter().filter(|ca| ca.not_after <= view.now);
                &right - &ended.map(|ca| ca.id.clone()).collect()
            }
            Self::Flicker if before.contains(&name(FOREIGN)) => &right - &CaBundle::from([name(FOREIGN)]),
            Self::Flicker => &right | &CaBundle::from([name(FOREIGN)]),
            _ => right,
        }
    }

    /// What is remembered instead.
    pub(crate) fn memory(self, unknown_cas: UnknownCas) -> UnknownCas {
        if self == Self::NoMemory { UnknownCas::default() } else { unknown_cas }
    }
}
