//! How one CA follows another, without a moment in which a certificate is shown that is not trusted.
//!
//! Every replica runs the same steps over what it last saw, at any time and in any order: nobody leads. What is written is
//! written only over what was seen, so of two replicas one comes too late and looks again.
//!
//! ```text
//! one CA ─ worn ─→ a second is added ─ in every entry ─→ it is trusted since then ─ hold ─→ it issues
//!    ↑                                                                                        │
//!    └──────────── the first is retired ←─ hold, life of a leaf and margin after that ─────────┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// The ids of the CAs that a caBundle holds.
pub type CaBundle = BTreeSet<String>;

/// How long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPeriods {
    /// The validity of a CA; in its second half a successor is added.
    pub ca: Duration,
    /// The validity of a leaf; in its last third it is replaced.
    pub certificate: Duration,
    /// How long a CA must have been in every caBundle before it issues: longer than the API server may take to notice.
    pub propagation_delay: Duration,
    /// How long a CA stays after its last leaf has ended: longer than a replica may go on without having seen the CAs.
    pub ca_overlap: Duration,
}

/// A CA, as far as its succession is concerned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaState {
    /// Its first second.
    pub not_before: SystemTime,
    /// Its last second.
    pub not_after: SystemTime,
    /// What tells it from all others.
    pub id: String,
    /// Since when it is in every caBundle.
    pub trusted_since: Option<SystemTime>,
}

/// The leaf that is shown, as far as the succession is concerned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServedCertificate {
    /// The CA that issued it.
    pub issuer: String,
    /// Its last second.
    pub not_after: SystemTime,
    /// Is less than a third of its life left?
    pub is_due_for_renewal: bool,
}

/// A change of the CAs that is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaChange {
    /// A new CA is added.
    Add,
    /// This CA is in every caBundle from now on.
    Trust(String),
    /// These CAs go.
    Retire(Vec<String>),
}

/// What a replica sees at one moment.
#[derive(Clone, Copy, Debug)]
pub struct RotationState<'a> {
    /// The CAs, the oldest first.
    pub cas: &'a [CaState],
    /// What the caBundle of every webhook entry holds.
    pub entries: &'a [CaBundle],
    /// Were the CAs seen lately, within [`RotationPeriods::ca_overlap`]?
    pub is_fresh: bool,
    /// The wall clock.
    pub now: SystemTime,
    /// How long things last.
    pub periods: RotationPeriods,
}

impl<'a> RotationState<'a> {
    /// The change of the CAs that is due, if one is.
    pub fn change(&self) -> Option<CaChange> {
        let Some(newest) = self.valid().last() else { return Some(CaChange::Add) };
        let is_settled = self
            .has_passed(newest, self.periods.propagation_delay + self.periods.certificate + self.periods.ca_overlap);
        let gone = |ca: &&CaState| ca.not_after <= self.now || (is_settled && ca.not_before < newest.not_before);
        let gone: Vec<String> = self.cas.iter().filter(gone).map(|ca| ca.id.clone()).collect();
        if !gone.is_empty() {
            return Some(CaChange::Retire(gone));
        }
        if newest.trusted_since.is_none() {
            return self.is_everywhere(newest).then(|| CaChange::Trust(newest.id.clone()));
        }
        (self.cas.len() == 1 && self.is_due_for_renewal(newest)).then_some(CaChange::Add)
    }

    /// The CA that a new leaf is to be taken from now; `None` as long as the leaf that is shown is the right one.
    pub fn issuer(&self, shown: Option<&ServedCertificate>) -> Option<&'a CaState> {
        let signer = self.signer()?;
        let Some(shown) = shown.filter(|shown| shown.not_after > self.now) else { return Some(signer) };
        let is_due = if shown.issuer == signer.id {
            shown.is_due_for_renewal && self.is_fresh
        } else {
            self.has_passed(signer, self.periods.propagation_delay) && self.is_everywhere(signer)
        };
        is_due.then_some(signer)
    }

    /// The CA that issues: the newest that was trusted for long enough. If none was, the oldest, which all others wait for.
    fn signer(&self) -> Option<&'a CaState> {
        let held = self.valid().rev().find(|ca| self.has_passed(ca, self.periods.propagation_delay));
        held.or_else(|| self.valid().next())
    }

    /// The CAs that are valid now. One that begins later is of a clock that is wrong, its maker's or ours.
    fn valid(&self) -> impl DoubleEndedIterator<Item = &'a CaState> {
        let now = self.now;
        self.cas.iter().filter(move |ca| ca.not_before <= now && now < ca.not_after)
    }

    fn has_passed(&self, ca: &CaState, time: Duration) -> bool {
        let since = ca.trusted_since.and_then(|since| self.now.duration_since(since).ok());
        since.is_some_and(|since| since >= time)
    }

    fn is_everywhere(&self, ca: &CaState) -> bool {
        self.entries.iter().all(|bundle| bundle.contains(&ca.id))
    }

    fn is_due_for_renewal(&self, ca: &CaState) -> bool {
        let life = ca.not_after.duration_since(ca.not_before).unwrap_or_default();
        self.now.duration_since(ca.not_before).is_ok_and(|age| age >= life / 2)
    }
}

/// What a replica remembers of CAs that it finds in a caBundle and that are not, or no longer, among the CAs.
///
/// Another replica may still show a leaf of such a one, or have added it a moment ago. So it stays until it was unknown for
/// longer than any leaf of it can last. Only time that was watched counts: not that in which the CAs were not seen, none of
/// them was valid, or the replica didn't look, nor what a clock counted that was put back since.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownCas(BTreeMap<String, Watched>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Watched {
    first: SystemTime,
    last: SystemTime,
}

impl UnknownCas {
    /// What a caBundle that holds `entry` is to hold: all CAs, that of the leaf that is shown, and strangers.
    ///
    /// A CA that has ended stays until it is retired: where clocks are apart, one replica would put back what another takes.
    pub fn wanted(
        &mut self,
        entry: &CaBundle,
        view: &RotationState<'_>,
        shown: Option<&ServedCertificate>,
    ) -> CaBundle {
        let known: CaBundle = view
            .cas
            .iter()
            .map(|ca| ca.id.clone())
            .chain(shown.filter(|shown| shown.not_after > view.now).map(|shown| shown.issuer.clone()))
            .collect();
        let patience = view.periods.propagation_delay + view.periods.certificate + view.periods.ca_overlap;
        let are_cas_known = view.is_fresh && view.valid().next().is_some();
        let is_watched = |watched: &Watched| {
            let pause = view.now.duration_since(watched.last);
            are_cas_known && pause.is_ok_and(|pause| pause < view.periods.ca_overlap / 2)
        };
        self.0.retain(|id, watched| !known.contains(id) && is_watched(watched));
        let may_stay = |id: &&String| {
            let watched = self.0.entry((*id).clone()).or_insert(Watched { first: view.now, last: view.now });
            watched.last = view.now;
            view.now.duration_since(watched.first).is_ok_and(|time| time < patience)
        };
        let unknown_cas: CaBundle = entry.difference(&known).filter(may_stay).cloned().collect();
        &known | &unknown_cas
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const DAY: Duration = Duration::from_hours(24);
    const TERMS: RotationPeriods = RotationPeriods {
        ca: Duration::from_hours(24 * 100),
        certificate: Duration::from_hours(24 * 7),
        propagation_delay: DAY,
        ca_overlap: Duration::from_hours(48),
    };

    fn day(day: u32) -> SystemTime {
        UNIX_EPOCH + day * DAY
    }

    fn ca(id: &str, first: u32, trusted: Option<u32>) -> CaState {
        CaState {
            id: id.to_owned(),
            not_before: day(first),
            not_after: day(first + 100),
            trusted_since: trusted.map(day),
        }
    }

    fn bundle(ids: &[&str]) -> CaBundle {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn view<'a>(cas: &'a [CaState], entries: &'a [CaBundle], now: u32) -> RotationState<'a> {
        RotationState { cas, entries, is_fresh: true, now: day(now), periods: TERMS }
    }

    fn shown(issuer: &str, not_after: u32, is_due_for_renewal: bool) -> ServedCertificate {
        ServedCertificate { issuer: issuer.to_owned(), not_after: day(not_after), is_due_for_renewal }
    }

    #[test]
    fn the_first_one_issues_at_once_and_is_trusted_once_it_is_everywhere() {
        assert_eq!(view(&[], &[], 1).change(), Some(CaChange::Add));
        let first = [ca("a", 0, None)];
        let (nowhere, half, all) =
            ([bundle(&[]), bundle(&[])], [bundle(&["a"]), bundle(&[])], [bundle(&["a"]), bundle(&["a"])]);
        assert_eq!(view(&first, &nowhere, 1).issuer(None), Some(&first[0]));
        assert_eq!(view(&first, &half, 1).change(), None);
        assert_eq!(view(&first, &all, 1).change(), Some(CaChange::Trust("a".to_owned())));
    }

    #[test]
    fn a_successor_is_added_in_the_second_half_and_issues_after_the_hold() {
        let one = [ca("a", 0, Some(1))];
        assert_eq!(view(&one, &[], 49).change(), None);
        assert_eq!(view(&one, &[], 50).change(), Some(CaChange::Add));
        let both = |trusted| [ca("a", 0, Some(1)), ca("b", 50, trusted)];
        let (old, new) = (shown("a", 60, true), [bundle(&["a", "b"])]);
        assert_eq!(view(&both(None), &[bundle(&["a"])], 51).change(), None);
        assert_eq!(view(&both(None), &new, 51).change(), Some(CaChange::Trust("b".to_owned())));
        let issuer = |trusted, entries: &[CaBundle], now| {
            view(&both(trusted), entries, now).issuer(Some(&old)).map(|one| one.id.clone())
        };
        assert_eq!(issuer(None, &new, 51).as_deref(), Some("a"), "a worn leaf is replaced by the same CA");
        assert_eq!(issuer(Some(51), &new, 51).as_deref(), Some("a"));
        assert_eq!(issuer(Some(51), &new, 52).as_deref(), Some("b"));
        assert_eq!(issuer(Some(51), &[bundle(&["a"])], 52), None, "not while an entry lacks it");
    }

    #[test]
    fn the_old_one_goes_when_its_last_leaf_is_over_and_nobody_can_be_late() {
        let both = [ca("a", 0, Some(1)), ca("b", 50, Some(51))];
        let everywhere = [bundle(&["a", "b"])];
        assert_eq!(view(&both, &everywhere, 60).change(), None);
        assert_eq!(view(&both, &everywhere, 61).change(), Some(CaChange::Retire(vec!["a".to_owned()])));
    }

    #[test]
    fn what_has_ended_is_replaced_at_once() {
        let ended = [ca("a", 0, Some(1))];
        assert_eq!(view(&ended, &[], 100).change(), Some(CaChange::Add));
        let both = [ca("a", 0, Some(1)), ca("b", 100, None)];
        assert_eq!(view(&both, &[], 100).change(), Some(CaChange::Retire(vec!["a".to_owned()])));
        assert_eq!(view(&both, &[bundle(&[])], 100).issuer(Some(&shown("a", 100, true))), Some(&both[1]));
    }

    #[test]
    fn another_leaf_is_kept_until_the_new_one_is_trusted() {
        // the CAs were lost, and what is shown is of none of them
        let new = [ca("b", 50, None)];
        assert_eq!(view(&new, &[bundle(&["a", "b"])], 50).issuer(Some(&shown("a", 55, true))), None);
        let trusted = [ca("b", 50, Some(50))];
        assert_eq!(view(&trusted, &[bundle(&["a", "b"])], 51).issuer(Some(&shown("a", 55, true))), Some(&trusted[0]));
    }

    #[test]
    fn a_leaf_is_renewed_in_its_last_third_unless_the_cas_were_not_seen_lately() {
        let one = [ca("a", 0, Some(1))];
        let issuer = |is_due_for_renewal, is_fresh| {
            RotationState { is_fresh, ..view(&one, &[], 5) }.issuer(Some(&shown("a", 7, is_due_for_renewal))).is_some()
        };
        assert!(issuer(true, true) && !issuer(false, true) && !issuer(true, false));
    }

    #[test]
    fn what_begins_in_the_future_is_left_alone() {
        let future = [ca("a", 0, Some(1)), ca("b", 50, None)];
        let early = view(&future, &[], 40);
        assert_eq!((early.change(), early.issuer(None)), (None, Some(&future[0])));
    }

    /// What an entry with the stranger `x` is to hold, having been looked at twice a day from one day to another.
    fn wanted(unknown_cas: &mut UnknownCas, from: u32, to: u32) -> CaBundle {
        let one = [ca("a", 0, Some(1))];
        let look = |half: u32| {
            let view = RotationState { now: day(0) + half * DAY / 2, ..view(&one, &[], 0) };
            unknown_cas.wanted(&bundle(&["x"]), &view, Some(&shown("s", 30, false)))
        };
        (2 * from..=2 * to).map(look).last().unwrap()
    }

    #[test]
    fn a_stranger_stays_as_long_as_a_leaf_of_it_may() {
        let mut unknown_cas = UnknownCas::default();
        assert_eq!(wanted(&mut unknown_cas, 10, 19), bundle(&["a", "s", "x"]));
        assert_eq!(wanted(&mut unknown_cas, 19, 20), bundle(&["a", "s"]));
        assert_eq!(wanted(&mut unknown_cas, 20, 30), bundle(&["a"]), "a leaf that has ended needs no trust");
    }

    #[test]
    fn what_is_unknown_for_want_of_the_cas_stays() {
        // the Secret is gone, or was not seen for long: whatever is shown may be of the stranger
        let one = [ca("a", 0, Some(1))];
        for unknown in [view(&[], &[], 0), RotationState { is_fresh: false, ..view(&one, &[], 0) }] {
            let mut unknown_cas = UnknownCas::default();
            wanted(&mut unknown_cas, 10, 19);
            let unknown = RotationState { now: day(19) + DAY / 2, ..unknown };
            assert!(unknown_cas.wanted(&bundle(&["x"]), &unknown, None).contains("x"));
            assert!(wanted(&mut unknown_cas, 20, 29).contains("x"), "it counts from then on");
            assert!(!wanted(&mut unknown_cas, 29, 30).contains("x"));
        }
    }

    #[test]
    fn what_was_not_watched_in_between_stays() {
        // it may have been among the CAs meanwhile
        for (from, to) in [(29, 38), (5, 14)] {
            let mut unknown_cas = UnknownCas::default();
            wanted(&mut unknown_cas, 10, 10);
            assert!(wanted(&mut unknown_cas, from, to).contains("x"));
            assert!(!wanted(&mut unknown_cas, to, to + 1).contains("x"));
        }
    }

    #[test]
    fn what_has_ended_stays_until_it_is_retired() {
        // by the clock of another replica it may not have ended: the two would never agree
        let ended = [ca("a", 0, Some(1))];
        assert_eq!(UnknownCas::default().wanted(&bundle(&[]), &view(&ended, &[], 100), None), bundle(&["a"]));
        assert_eq!(UnknownCas::default().wanted(&bundle(&["a"]), &view(&ended, &[], 100), None), bundle(&["a"]));
    }
}
