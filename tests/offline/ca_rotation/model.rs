//! Runs the rotation of `apim_keyless::tls` on what a replica has read.
//!
//! The content of Secrets and the memory of replicas are stored once and referred to by index, and results are cached.
//! So a state takes few bytes, and a million states fit into memory.

use super::flaws::{Flaw, Query};
use super::setup::Setup;
use super::state::{CaBundles, CaMask, Choice, Index, Replica, ServingCertificate, State, has};
use apim_keyless::tls::{CaChange, CaIds, CaState, RotationState, ServedCertificate, UnknownCas};
use foldhash::quality::FixedState;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) struct Model {
    pub(crate) setup: Setup,
    secrets: Table<Vec<CaState>>,
    unknown_cas: Table<UnknownCas>,
    decisions: HashMap<DecisionKey, Decision, FixedState>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct DecisionKey {
    now: u8,
    is_fresh: bool,
    secret: Index,
    configurations: [CaBundles; 2],
    certificate: Option<ServingCertificate>,
    unknown_cas: Index,
}

#[derive(Clone, Copy)]
pub(crate) struct Decision {
    pub(crate) change: Option<Change>,
    /// The certificate to issue.
    pub(crate) certificate: Option<ServingCertificate>,
    /// For each configuration the caBundles it must contain, and the memory after that decision.
    pub(crate) wanted: [(CaBundles, Index); 2],
}

/// The due change of the Secret, and its content afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Trust(Index),
    Retire(Index),
}

impl Model {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut model =
            Self { setup, secrets: Table::default(), unknown_cas: Table::default(), decisions: HashMap::default() };
        model.secrets.index_of(Vec::new());
        model.unknown_cas.index_of(UnknownCas::default());
        model
    }

    /// The CAs in a Secret.
    pub(crate) fn cas(&self, secret: Index) -> CaMask {
        self.secrets.all[usize::from(secret)].iter().fold(0, |all, ca| all | 1 << number(&ca.id))
    }

    /// The CAs in a Secret that are recorded as trusted.
    pub(crate) fn trusted(&self, secret: Index) -> CaMask {
        let cas = self.secrets.all[usize::from(secret)].iter();
        let trusted = cas.filter(|ca| ca.trusted_since.is_some());
        trusted.fold(0, |all, ca| all | 1 << number(&ca.id))
    }

    /// The Secret with one more CA, created at `now`.
    pub(crate) fn added(&mut self, secret: Index, id: u8, now: u8) -> Index {
        let mut cas = self.secrets.all[usize::from(secret)].clone();
        cas.push(CaState {
            not_before: time(now),
            not_after: time(now + self.setup.ca),
            id: name(id),
            trusted_since: (self.setup.flaw == Some(Flaw::EarlyTrust)).then(|| time(now)),
        });
        cas.sort();
        self.secrets.index_of(cas)
    }

    /// The Secret without one CA.
    pub(crate) fn without(&mut self, secret: Index, id: u8) -> Index {
        let cas = self.secrets.all[usize::from(secret)].clone();
        self.secrets.index_of(changed(cas, &CaChange::Retire(vec![name(id)]), time(0)))
    }

    /// What a replica must do at a time of its own clock; `None` if it has read nothing yet.
    pub(crate) fn decision(&mut self, state: &State, replica: &Replica, now: u8) -> Option<Decision> {
        let (mut data, at) = replica.last_read?;
        // an expired CA in a caBundle is ignored
        let expired = state.expired(now);
        data.configurations.as_flattened_mut().iter_mut().for_each(|ca_bundle| *ca_bundle &= !expired);
        let decision_key = DecisionKey {
            now,
            is_fresh: now.checked_sub(at).is_some_and(|age| age < self.setup.ca_overlap / 2),
            secret: data.secret,
            configurations: data.configurations,
            certificate: replica
                .certificate
                .map(|certificate| ServingCertificate { choice: Choice::Unforced, ..certificate }),
            unknown_cas: replica.unknown_cas,
        };
        if let Some(decision) = self.decisions.get(&decision_key) {
            return Some(*decision);
        }
        let decision = self.decide(&decision_key);
        self.decisions.insert(decision_key, decision);
        Some(decision)
    }

    fn decide(&mut self, decision_key: &DecisionKey) -> Decision {
        let Setup { configurations, entries, flaw, .. } = self.setup;
        let cas = self.secrets.all[usize::from(decision_key.secret)].clone();
        let ca_bundles =
            decision_key.configurations[..configurations].iter().flat_map(|ca_bundles| &ca_bundles[..entries]);
        let ca_bundles: Vec<CaIds> = ca_bundles.map(|ca_bundle| names(*ca_bundle)).collect();
        let rotation = RotationState {
            cas: &cas,
            ca_bundles: &ca_bundles,
            is_fresh: decision_key.is_fresh,
            now: time(decision_key.now),
            periods: self.setup.periods(),
        };
        let served = decision_key.certificate.map(|certificate| served(certificate, decision_key.now));
        let input = |query| flaw.map_or(rotation, |flaw| flaw.input(query, rotation));
        let change = input(Query::CaChange).due_change();
        let change = change.filter(|change| !flaw.is_some_and(|flaw| flaw.omits(change, &rotation)));
        let certificate =
            input(Query::Issuer).due_issuer(served.as_ref()).map(|issuer| self.certificate(issuer, decision_key.now));
        let mut wanted = [([0; 2], 0); 2];
        for (configuration_wanted, ca_bundles) in wanted.iter_mut().zip(ca_bundles.chunks(entries)) {
            let mut unknown_cas = self.unknown_cas.all[usize::from(decision_key.unknown_cas)].clone();
            for (entry_wanted, ca_bundle) in configuration_wanted.0.iter_mut().zip(ca_bundles) {
                let correct = unknown_cas.wanted(ca_bundle, &input(Query::Wanted), served.as_ref());
                *entry_wanted =
                    mask(&flaw.map_or(correct.clone(), |flaw| flaw.ca_bundle(ca_bundle, correct, &rotation)));
            }
            configuration_wanted.1 =
                self.unknown_cas.index_of(flaw.map_or(unknown_cas.clone(), |flaw| flaw.memory(unknown_cas)));
        }
        Decision { change: change.map(|change| self.change(cas, &change, rotation.now)), certificate, wanted }
    }

    fn change(&mut self, cas: Vec<CaState>, change: &CaChange, now: SystemTime) -> Change {
        let index = self.secrets.index_of(changed(cas, change, now));
        match change {
            CaChange::Add => Change::Add,
            CaChange::Trust(_) => Change::Trust(index),
            CaChange::Retire(_) => Change::Retire(index),
        }
    }

    fn certificate(&self, issuer: &CaState, now: u8) -> ServingCertificate {
        let end = now + self.setup.certificate;
        let not_after =
            if self.setup.flaw == Some(Flaw::LongCertificates) { end } else { end.min(tick(issuer.not_after)) };
        ServingCertificate { issuer: number(&issuer.id), not_before: now, not_after, choice: Choice::Unforced }
    }
}

fn changed(mut cas: Vec<CaState>, change: &CaChange, now: SystemTime) -> Vec<CaState> {
    match change {
        CaChange::Add => {}
        CaChange::Trust(id) => {
            let trusted = cas.iter_mut().filter(|ca| ca.id == *id);
            trusted.for_each(|ca| ca.trusted_since = Some(now));
        }
        CaChange::Retire(ids) => cas.retain(|ca| !ids.contains(&ca.id)),
    }
    cas
}

fn served(certificate: ServingCertificate, now: u8) -> ServedCertificate {
    let (lifetime, remaining) =
        (certificate.not_after - certificate.not_before, certificate.not_after.saturating_sub(now));
    ServedCertificate {
        issuer: name(certificate.issuer),
        not_after: time(certificate.not_after),
        is_due_for_renewal: 3 * remaining < lifetime,
    }
}

/// The name of a CA by its number.
pub(crate) fn name(number: u8) -> String {
    char::from(b'a' + number).to_string()
}

fn number(name: &str) -> u8 {
    name.as_bytes()[0] - b'a'
}

fn names(cas: CaMask) -> CaIds {
    (0..8).filter(|number| has(cas, *number)).map(name).collect()
}

fn mask(ca_bundle: &CaIds) -> CaMask {
    ca_bundle.iter().fold(0, |mask, name| mask | 1 << number(name))
}

fn time(tick: u8) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(tick.into())
}

fn tick(time: SystemTime) -> u8 {
    u8::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Values and their indexes.
struct Table<T> {
    all: Vec<T>,
    indexes: HashMap<T, Index, FixedState>,
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn index_of(&mut self, value: T) -> Index {
        if let Some(index) = self.indexes.get(&value) {
            return *index;
        }
        let index = Index::try_from(self.all.len()).unwrap();
        self.all.push(value.clone());
        self.indexes.insert(value, index);
        index
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { all: Vec::new(), indexes: HashMap::default() }
    }
}
