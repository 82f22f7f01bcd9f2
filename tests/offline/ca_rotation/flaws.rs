//! Rotations with one flaw each. Each must violate an invariant, which tests the invariants themselves.

use super::model::name;
use super::state::UNKNOWN_CA;
use apim_keyless::tls::{CaChange, CaIds, RotationPeriods, RotationState, UnknownCas};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A new CA issues before the API server has noticed it.
    NoPropagationDelay,
    /// A CA is recorded as trusted when it is created, before it is in every caBundle.
    EarlyTrust,
    /// A CA issues although it is not in every caBundle.
    EarlyIssue,
    /// An old CA is retired as if its certificates expired at once, and leaves the caBundles at the same time. Only
    /// both together do harm.
    EarlyRetirement,
    /// A certificate is renewed however long ago the CAs were read.
    StaleRenewal,
    /// An unknown CA leaves the caBundles at once.
    DropUnknownAtOnce,
    /// An unknown CA leaves the caBundles at once, but only while there are no CAs in the Secret.
    DropUnknownWithoutCas,
    /// An unknown CA stays forever, because the replica forgets since when it has seen it.
    NoMemory,
    /// No CA follows another.
    NoRotation,
    /// CAs are added however many there are.
    EndlessAdding,
    /// A certificate can outlive its CA.
    LongCertificates,
    /// A CA leaves the caBundles as soon as it has expired by the clock of one replica.
    DropExpiredEarly,
    /// An unknown CA is added to caBundles and removed again in turn.
    Flapping,
}

/// Which decision of the rotation is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    CaChange,
    Issuer,
    Wanted,
}

impl Flaw {
    /// The changed input of the rotation.
    pub(crate) fn input(self, query: Query, rotation: RotationState<'_>) -> RotationState<'_> {
        let periods = rotation.periods;
        let instant = RotationPeriods { certificate: Duration::ZERO, ca_overlap: Duration::ZERO, ..periods };
        match (self, query) {
            (Self::NoPropagationDelay, Query::Issuer) => {
                RotationState { periods: RotationPeriods { propagation_delay: Duration::ZERO, ..periods }, ..rotation }
            }
            (Self::EarlyIssue, Query::CaChange | Query::Issuer) => RotationState { ca_bundles: &[], ..rotation },
            (Self::EarlyRetirement, Query::CaChange) => RotationState { periods: instant, ..rotation },
            (Self::StaleRenewal, Query::Issuer) => RotationState { is_fresh: true, ..rotation },
            (Self::EarlyRetirement | Self::DropUnknownAtOnce, Query::Wanted) => {
                RotationState { periods: RotationPeriods { propagation_delay: Duration::ZERO, ..instant }, ..rotation }
            }
            (Self::EndlessAdding, Query::CaChange) => RotationState { cas: &[], ..rotation },
            _ => rotation,
        }
    }

    /// Whether this change of the CAs is skipped.
    pub(crate) fn omits(self, change: &CaChange, rotation: &RotationState<'_>) -> bool {
        self == Self::NoRotation && *change == CaChange::Add && !rotation.cas.is_empty()
    }

    /// The changed content of a caBundle.
    pub(crate) fn ca_bundle(self, before: &CaIds, correct: CaIds, rotation: &RotationState<'_>) -> CaIds {
        match self {
            Self::DropUnknownWithoutCas if rotation.cas.is_empty() => &correct - before,
            Self::DropExpiredEarly => {
                let expired = rotation.cas.iter().filter(|ca| ca.not_after <= rotation.now);
                &correct - &expired.map(|ca| ca.id.clone()).collect()
            }
            Self::Flapping if before.contains(&name(UNKNOWN_CA)) => &correct - &CaIds::from([name(UNKNOWN_CA)]),
            Self::Flapping => &correct | &CaIds::from([name(UNKNOWN_CA)]),
            _ => correct,
        }
    }

    /// The changed memory of a replica.
    pub(crate) fn memory(self, unknown_cas: UnknownCas) -> UnknownCas {
        if self == Self::NoMemory { UnknownCas::default() } else { unknown_cas }
    }
}
