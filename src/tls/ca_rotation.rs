//! Decides how one CA follows another, so that every certificate in use is always trusted.
//!
//! Every replica runs the same steps on what it read last, at any time and in any order; there is no leader. A write is
//! accepted only if nothing changed since the read, so the slower of two replicas gets a conflict and reads again.
//!
//! ```text
//! one CA ─ second half of its validity ─→ a new CA is added ─ in every caBundle ─→ it is trusted
//!    ↑                                                                                 │
//!    │                                                              after the propagation delay
//!    │                                                                                 ↓
//!    └─ the old CA is retired ←─ propagation delay + certificate validity ──── the new CA issues
//!                                + CA overlap after it became trusted
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// The ids of the CAs in a caBundle.
pub type CaIds = BTreeSet<String>;

/// The periods of a CA rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPeriods {
    /// The validity of a CA. In its second half a new CA is added.
    pub ca: Duration,
    /// The validity of a serving certificate. In its last third it is renewed.
    pub certificate: Duration,
    /// How long a CA must be in every caBundle before it issues: longer than the API server needs to notice the change.
    pub propagation_delay: Duration,
    /// How long a CA stays after its last certificate has expired: longer than a replica may work without reading the
    /// CAs.
    pub ca_overlap: Duration,
}

/// What the rotation needs to know about a CA.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaState {
    /// The first second in which it is valid.
    pub not_before: SystemTime,
    /// The last second in which it is valid.
    pub not_after: SystemTime,
    /// Its unique id.
    pub id: String,
    /// Since when it is in every caBundle; `None` if it is not yet.
    pub trusted_since: Option<SystemTime>,
}

/// What the rotation needs to know about the serving certificate in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServedCertificate {
    /// The id of the CA that issued it.
    pub issuer: String,
    /// The last second in which it is valid.
    pub not_after: SystemTime,
    /// Whether less than a third of its validity is left.
    pub is_due_for_renewal: bool,
}

/// A change of the CAs in the Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaChange {
    /// Adds a new CA.
    Add,
    /// Records that the CA with this id is in every caBundle from now on.
    Trust(String),
    /// Removes the CAs with these ids.
    Retire(Vec<String>),
}

/// What a replica knows at one moment.
#[derive(Clone, Copy, Debug)]
pub struct RotationState<'a> {
    /// The CAs, oldest first.
    pub cas: &'a [CaState],
    /// The CAs in the caBundle of every webhook entry.
    pub ca_bundles: &'a [CaIds],
    /// Whether the CAs were read recently: within half of [`RotationPeriods::ca_overlap`].
    pub is_fresh: bool,
    /// The wall clock.
    pub now: SystemTime,
    /// The periods of the rotation.
    pub periods: RotationPeriods,
}

impl<'a> RotationState<'a> {
    /// The change of the CAs that is due, if any.
    pub fn due_change(&self) -> Option<CaChange> {
        let Some(newest) = self.valid().last() else { return Some(CaChange::Add) };
        let is_overlap_over = self.is_trusted_for(
            newest,
            self.periods.propagation_delay + self.periods.certificate + self.periods.ca_overlap,
        );
        let is_obsolete =
            |ca: &&CaState| ca.not_after <= self.now || (is_overlap_over && ca.not_before < newest.not_before);
        let obsolete: Vec<String> = self.cas.iter().filter(is_obsolete).map(|ca| ca.id.clone()).collect();
        if !obsolete.is_empty() {
            return Some(CaChange::Retire(obsolete));
        }
        if newest.trusted_since.is_none() {
            return self.is_in_every_ca_bundle(newest).then(|| CaChange::Trust(newest.id.clone()));
        }
        (self.cas.len() == 1 && self.is_due_for_renewal(newest)).then_some(CaChange::Add)
    }

    /// The CA that must issue a new serving certificate now; `None` as long as the one in use (`served`) is kept.
    pub fn due_issuer(&self, served: Option<&ServedCertificate>) -> Option<&'a CaState> {
        let issuer = self.preferred_issuer()?;
        let Some(served) = served.filter(|served| served.not_after > self.now) else { return Some(issuer) };
        let is_due = if served.issuer == issuer.id {
            served.is_due_for_renewal && self.is_fresh
        } else {
            self.is_trusted_for(issuer, self.periods.propagation_delay) && self.is_in_every_ca_bundle(issuer)
        };
        is_due.then_some(issuer)
    }

    /// The newest CA that has been trusted for the propagation delay. If there is none, the oldest CA: all replicas
    /// then agree on it until the newer ones are trusted.
    fn preferred_issuer(&self) -> Option<&'a CaState> {
        let trusted = self.valid().rev().find(|ca| self.is_trusted_for(ca, self.periods.propagation_delay));
        trusted.or_else(|| self.valid().next())
    }

    /// The CAs that are valid now. A CA that starts in the future comes from a wrong clock, ours or that of the replica
    /// that created it.
    fn valid(&self) -> impl DoubleEndedIterator<Item = &'a CaState> {
        let now = self.now;
        self.cas.iter().filter(move |ca| ca.not_before <= now && now < ca.not_after)
    }

    fn is_trusted_for(&self, ca: &CaState, period: Duration) -> bool {
        let trusted_for = ca.trusted_since.and_then(|since| self.now.duration_since(since).ok());
        trusted_for.is_some_and(|trusted_for| trusted_for >= period)
    }

    fn is_in_every_ca_bundle(&self, ca: &CaState) -> bool {
        self.ca_bundles.iter().all(|ca_bundle| ca_bundle.contains(&ca.id))
    }

    fn is_due_for_renewal(&self, ca: &CaState) -> bool {
        let lifetime = ca.not_after.duration_since(ca.not_before).unwrap_or_default();
        self.now.duration_since(ca.not_before).is_ok_and(|age| age >= lifetime / 2)
    }
}

/// The CAs in caBundles that are not in the Secret, and since when this replica has seen them there.
///
/// Another replica may still serve a certificate of such a CA, or may have added the CA just now. So an unknown CA
/// stays in the caBundle until it has been unknown for longer than any of its certificates can be valid. Only observed
/// time counts. The count starts again if the CAs were not read, none of them was valid, this replica paused, or its
/// clock was set back.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownCas(BTreeMap<String, Observed>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Observed {
    first: SystemTime,
    last: SystemTime,
}

impl UnknownCas {
    /// What a caBundle with the CAs `current` must contain: all CAs in the Secret, the issuer of the certificate in
    /// use, and the unknown CAs that have to stay.
    ///
    /// An expired CA stays until it is retired: otherwise two replicas with different clocks would add and remove it in
    /// turn.
    pub fn wanted(&mut self, current: &CaIds, state: &RotationState<'_>, served: Option<&ServedCertificate>) -> CaIds {
        let known: CaIds = state
            .cas
            .iter()
            .map(|ca| ca.id.clone())
            .chain(served.filter(|served| served.not_after > state.now).map(|served| served.issuer.clone()))
            .collect();
        let longest_use = state.periods.propagation_delay + state.periods.certificate + state.periods.ca_overlap;
        let are_cas_known = state.is_fresh && state.valid().next().is_some();
        let is_continuous = |observed: &Observed| {
            let pause = state.now.duration_since(observed.last);
            are_cas_known && pause.is_ok_and(|pause| pause < state.periods.ca_overlap / 2)
        };
        self.0.retain(|id, observed| !known.contains(id) && is_continuous(observed));
        let must_stay = |id: &&String| {
            let observed = self.0.entry((*id).clone()).or_insert(Observed { first: state.now, last: state.now });
            observed.last = state.now;
            state.now.duration_since(observed.first).is_ok_and(|time| time < longest_use)
        };
        let unknown: CaIds = current.difference(&known).filter(must_stay).cloned().collect();
        &known | &unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const DAY: Duration = Duration::from_hours(24);
    const PERIODS: RotationPeriods = RotationPeriods {
        ca: Duration::from_hours(24 * 100),
        certificate: Duration::from_hours(24 * 7),
        propagation_delay: DAY,
        ca_overlap: Duration::from_hours(48),
    };

    fn day(day: u32) -> SystemTime {
        UNIX_EPOCH + day * DAY
    }

    fn ca(id: &str, first_day: u32, trusted: Option<u32>) -> CaState {
        CaState {
            id: id.to_owned(),
            not_before: day(first_day),
            not_after: day(first_day + 100),
            trusted_since: trusted.map(day),
        }
    }

    fn ca_bundle(ids: &[&str]) -> CaIds {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn state<'a>(cas: &'a [CaState], ca_bundles: &'a [CaIds], now: u32) -> RotationState<'a> {
        RotationState { cas, ca_bundles, is_fresh: true, now: day(now), periods: PERIODS }
    }

    fn served(issuer: &str, not_after: u32, is_due_for_renewal: bool) -> ServedCertificate {
        ServedCertificate { issuer: issuer.to_owned(), not_after: day(not_after), is_due_for_renewal }
    }

    #[test]
    fn the_first_ca_issues_at_once_and_is_trusted_once_it_is_in_every_ca_bundle() {
        assert_eq!(state(&[], &[], 1).due_change(), Some(CaChange::Add));
        let first = [ca("a", 0, None)];
        let (in_no_entry, in_one_entry, in_all_entries) = (
            [ca_bundle(&[]), ca_bundle(&[])],
            [ca_bundle(&["a"]), ca_bundle(&[])],
            [ca_bundle(&["a"]), ca_bundle(&["a"])],
        );
        assert_eq!(state(&first, &in_no_entry, 1).due_issuer(None), Some(&first[0]));
        assert_eq!(state(&first, &in_one_entry, 1).due_change(), None);
        assert_eq!(state(&first, &in_all_entries, 1).due_change(), Some(CaChange::Trust("a".to_owned())));
    }

    #[test]
    fn a_new_ca_is_added_in_the_second_half_and_issues_after_the_propagation_delay() {
        let one = [ca("a", 0, Some(1))];
        assert_eq!(state(&one, &[], 49).due_change(), None);
        assert_eq!(state(&one, &[], 50).due_change(), Some(CaChange::Add));
        let both = |trusted| [ca("a", 0, Some(1)), ca("b", 50, trusted)];
        let (old, new) = (served("a", 60, true), [ca_bundle(&["a", "b"])]);
        assert_eq!(state(&both(None), &[ca_bundle(&["a"])], 51).due_change(), None);
        assert_eq!(state(&both(None), &new, 51).due_change(), Some(CaChange::Trust("b".to_owned())));
        let issuer = |trusted, ca_bundles: &[CaIds], now| {
            state(&both(trusted), ca_bundles, now).due_issuer(Some(&old)).map(|one| one.id.clone())
        };
        assert_eq!(issuer(None, &new, 51).as_deref(), Some("a"), "the same CA renews a certificate that is due");
        assert_eq!(issuer(Some(51), &new, 51).as_deref(), Some("a"));
        assert_eq!(issuer(Some(51), &new, 52).as_deref(), Some("b"));
        assert_eq!(issuer(Some(51), &[ca_bundle(&["a"])], 52), None, "not while it is missing from a caBundle");
    }

    #[test]
    fn the_old_ca_is_retired_when_its_last_certificate_has_expired_and_the_overlap_is_over() {
        let both = [ca("a", 0, Some(1)), ca("b", 50, Some(51))];
        let ca_bundles = [ca_bundle(&["a", "b"])];
        assert_eq!(state(&both, &ca_bundles, 60).due_change(), None);
        assert_eq!(state(&both, &ca_bundles, 61).due_change(), Some(CaChange::Retire(vec!["a".to_owned()])));
    }

    #[test]
    fn an_expired_ca_is_replaced_at_once() {
        let expired = [ca("a", 0, Some(1))];
        assert_eq!(state(&expired, &[], 100).due_change(), Some(CaChange::Add));
        let both = [ca("a", 0, Some(1)), ca("b", 100, None)];
        assert_eq!(state(&both, &[], 100).due_change(), Some(CaChange::Retire(vec!["a".to_owned()])));
        assert_eq!(state(&both, &[ca_bundle(&[])], 100).due_issuer(Some(&served("a", 100, true))), Some(&both[1]));
    }

    #[test]
    fn a_certificate_of_a_lost_ca_is_kept_until_the_new_ca_is_trusted() {
        // the Secret was lost, so no CA in it issued the certificate in use
        let new = [ca("b", 50, None)];
        assert_eq!(state(&new, &[ca_bundle(&["a", "b"])], 50).due_issuer(Some(&served("a", 55, true))), None);
        let trusted = [ca("b", 50, Some(50))];
        assert_eq!(
            state(&trusted, &[ca_bundle(&["a", "b"])], 51).due_issuer(Some(&served("a", 55, true))),
            Some(&trusted[0])
        );
    }

    #[test]
    fn a_certificate_is_renewed_in_its_last_third_if_the_cas_were_read_recently() {
        let one = [ca("a", 0, Some(1))];
        let is_renewed = |is_due_for_renewal, is_fresh| {
            RotationState { is_fresh, ..state(&one, &[], 5) }
                .due_issuer(Some(&served("a", 7, is_due_for_renewal)))
                .is_some()
        };
        assert!(is_renewed(true, true) && !is_renewed(false, true) && !is_renewed(true, false));
    }

    #[test]
    fn a_ca_that_starts_in_the_future_is_ignored() {
        let future = [ca("a", 0, Some(1)), ca("b", 50, None)];
        let state = state(&future, &[], 40);
        assert_eq!((state.due_change(), state.due_issuer(None)), (None, Some(&future[0])));
    }

    /// What a caBundle with the unknown CA `x` must contain on day `to`, if it was checked twice a day since day
    /// `from`.
    fn wanted(unknown_cas: &mut UnknownCas, from: u32, to: u32) -> CaIds {
        let one = [ca("a", 0, Some(1))];
        let check = |half_day: u32| {
            let state = RotationState { now: day(0) + half_day * DAY / 2, ..state(&one, &[], 0) };
            unknown_cas.wanted(&ca_bundle(&["x"]), &state, Some(&served("s", 30, false)))
        };
        (2 * from..=2 * to).map(check).last().unwrap()
    }

    #[test]
    fn an_unknown_ca_stays_as_long_as_one_of_its_certificates_can_be_valid() {
        let mut unknown_cas = UnknownCas::default();
        assert_eq!(wanted(&mut unknown_cas, 10, 19), ca_bundle(&["a", "s", "x"]));
        assert_eq!(wanted(&mut unknown_cas, 19, 20), ca_bundle(&["a", "s"]));
        assert_eq!(wanted(&mut unknown_cas, 20, 30), ca_bundle(&["a"]), "an expired certificate needs no trust");
    }

    #[test]
    fn an_unknown_ca_stays_while_the_cas_are_not_known() {
        // the Secret is gone, or was not read for long: a served certificate may be of the unknown CA
        let one = [ca("a", 0, Some(1))];
        for unknown in [state(&[], &[], 0), RotationState { is_fresh: false, ..state(&one, &[], 0) }] {
            let mut unknown_cas = UnknownCas::default();
            wanted(&mut unknown_cas, 10, 19);
            let unknown = RotationState { now: day(19) + DAY / 2, ..unknown };
            assert!(unknown_cas.wanted(&ca_bundle(&["x"]), &unknown, None).contains("x"));
            assert!(wanted(&mut unknown_cas, 20, 29).contains("x"), "the count starts again");
            assert!(!wanted(&mut unknown_cas, 29, 30).contains("x"));
        }
    }

    #[test]
    fn an_unknown_ca_that_was_not_observed_for_a_while_stays() {
        // it may have been in the Secret meanwhile
        for (from, to) in [(29, 38), (5, 14)] {
            let mut unknown_cas = UnknownCas::default();
            wanted(&mut unknown_cas, 10, 10);
            assert!(wanted(&mut unknown_cas, from, to).contains("x"));
            assert!(!wanted(&mut unknown_cas, to, to + 1).contains("x"));
        }
    }

    #[test]
    fn an_expired_ca_stays_until_it_is_retired() {
        // by the clock of another replica it may still be valid: the two would never agree
        let expired = [ca("a", 0, Some(1))];
        assert_eq!(UnknownCas::default().wanted(&ca_bundle(&[]), &state(&expired, &[], 100), None), ca_bundle(&["a"]));
        assert_eq!(
            UnknownCas::default().wanted(&ca_bundle(&["a"]), &state(&expired, &[], 100), None),
            ca_bundle(&["a"])
        );
    }
}
