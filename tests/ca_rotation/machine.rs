//! What `apim_keyless::tls` says to what a replica sees.
//!
//! What Secrets hold and what replicas remember is kept once and known by its number, and nothing is asked twice. So a world
//! is a few bytes, and a million of them little.

use crate::flaws::{Asked, Flaw};
use crate::setup::Setup;
use crate::world::{Bundles, CaSet, Choice, Index, Replica, ServingCertificate, World, has};
use apim_keyless::tls::{CaBundle, CaChange, CaState, RotationState, ServedCertificate, UnknownCas};
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) struct Machine {
    pub(crate) setup: Setup,
    secrets: Table<Vec<CaState>>,
    unknown_cas: Table<UnknownCas>,
    answers: HashMap<Question, Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    now: u8,
    is_fresh: bool,
    secret: Index,
    configurations: [Bundles; 2],
    certificate: Option<ServingCertificate>,
    unknown_cas: Index,
}

#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) change: Option<Change>,
    /// The leaf that is to be taken.
    pub(crate) certificate: Option<ServingCertificate>,
    /// What each configuration is to hold, and what is remembered after that look at it.
    pub(crate) wanted: [(Bundles, Index); 2],
}

/// What is due to the Secret, and what it holds afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Trust(Index),
    Retire(Index),
}

impl Machine {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut machine =
            Self { setup, secrets: Table::default(), unknown_cas: Table::default(), answers: HashMap::new() };
        machine.secrets.number(Vec::new());
        machine.unknown_cas.number(UnknownCas::default());
        machine
    }

    /// The CAs that a Secret holds.
    pub(crate) fn cas(&self, secret: Index) -> CaSet {
        self.secrets.all[usize::from(secret)].iter().fold(0, |all, ca| all | 1 << number(&ca.id))
    }

    /// Those of them that are said to be trusted.
    pub(crate) fn trusted(&self, secret: Index) -> CaSet {
        let cas = self.secrets.all[usize::from(secret)].iter();
        let trusted = cas.filter(|ca| ca.trusted_since.is_some());
        trusted.fold(0, |all, ca| all | 1 << number(&ca.id))
    }

    /// A Secret with one more CA, made at `now`.
    pub(crate) fn added(&mut self, secret: Index, id: u8, now: u8) -> Index {
        let mut cas = self.secrets.all[usize::from(secret)].clone();
        cas.push(CaState {
            not_before: time(now),
            not_after: time(now + self.setup.ca),
            id: name(id),
            trusted_since: (self.setup.flaw == Some(Flaw::EarlyTrust)).then(|| time(now)),
        });
        cas.sort();
        self.secrets.number(cas)
    }

    /// A Secret with one CA less.
    pub(crate) fn without(&mut self, secret: Index, id: u8) -> Index {
        let cas = self.secrets.all[usize::from(secret)].clone();
        self.secrets.number(changed(cas, &CaChange::Retire(vec![name(id)]), time(0)))
    }

    /// What a replica is to do at a moment of its own clock; `None` as long as it has seen nothing.
    pub(crate) fn answer(&mut self, world: &World, replica: &Replica, now: u8) -> Option<Answer> {
        let (mut sight, at) = replica.seen?;
        // a certificate that has ended is none to whoever reads a bundle
        let ended = world.ended(now);
        sight.configurations.as_flattened_mut().iter_mut().for_each(|bundle| *bundle &= !ended);
        let question = Question {
            now,
            is_fresh: now.checked_sub(at).is_some_and(|age| age < self.setup.ca_overlap / 2),
            secret: sight.secret,
            configurations: sight.configurations,
            certificate: replica
                .certificate
                .map(|certificate| ServingCertificate { choice: Choice::Deliberate, ..certificate }),
            unknown_cas: replica.unknown_cas,
        };
        if let Some(answer) = self.answers.get(&question) {
            return Some(*answer);
        }
        let answer = self.ask(&question);
        self.answers.insert(question, answer);
        Some(answer)
    }

    fn ask(&mut self, question: &Question) -> Answer {
        let Setup { configurations, entries, flaw, .. } = self.setup;
        let cas = self.secrets.all[usize::from(question.secret)].clone();
        let bundles = question.configurations[..configurations].iter().flat_map(|bundles| &bundles[..entries]);
        let bundles: Vec<CaBundle> = bundles.map(|bundle| names(*bundle)).collect();
        let view = RotationState {
            cas: &cas,
            entries: &bundles,
            is_fresh: question.is_fresh,
            now: time(question.now),
            periods: self.setup.periods(),
        };
        let shown = question.certificate.map(|certificate| shown(certificate, question.now));
        let seen = |asked| flaw.map_or(view, |flaw| flaw.view(asked, view));
        let change = seen(Asked::CaChange).change();
        let change = change.filter(|change| !flaw.is_some_and(|flaw| flaw.omits(change, &view)));
        let certificate =
            seen(Asked::Issuer).issuer(shown.as_ref()).map(|issuer| self.certificate(issuer, question.now));
        let mut wanted = [([0; 2], 0); 2];
        for (wanted, bundles) in wanted.iter_mut().zip(bundles.chunks(entries)) {
            let mut unknown_cas = self.unknown_cas.all[usize::from(question.unknown_cas)].clone();
            for (wanted, bundle) in wanted.0.iter_mut().zip(bundles) {
                let right = unknown_cas.wanted(bundle, &seen(Asked::Wanted), shown.as_ref());
                *wanted = set(&flaw.map_or(right.clone(), |flaw| flaw.bundle(bundle, right, &view)));
            }
            wanted.1 = self.unknown_cas.number(flaw.map_or(unknown_cas.clone(), |flaw| flaw.memory(unknown_cas)));
        }
        Answer { change: change.map(|change| self.change(cas, &change, view.now)), certificate, wanted }
    }

    fn change(&mut self, cas: Vec<CaState>, change: &CaChange, now: SystemTime) -> Change {
        let number = self.secrets.number(changed(cas, change, now));
        match change {
            CaChange::Add => Change::Add,
            CaChange::Trust(_) => Change::Trust(number),
            CaChange::Retire(_) => Change::Retire(number),
        }
    }

    fn certificate(&self, issuer: &CaState, now: u8) -> ServingCertificate {
        let whole = now + self.setup.certificate;
        let not_after =
            if self.setup.flaw == Some(Flaw::LongLeaves) { whole } else { whole.min(tick(issuer.not_after)) };
        ServingCertificate { issuer: number(&issuer.id), not_before: now, not_after, choice: Choice::Deliberate }
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

fn shown(certificate: ServingCertificate, now: u8) -> ServedCertificate {
    let (life, rest) = (certificate.not_after - certificate.not_before, certificate.not_after.saturating_sub(now));
    ServedCertificate {
        issuer: name(certificate.issuer),
        not_after: time(certificate.not_after),
        is_due_for_renewal: 3 * rest < life,
    }
}

/// The name of a CA by its number.
pub(crate) fn name(number: u8) -> String {
    char::from(b'a' + number).to_string()
}

fn number(name: &str) -> u8 {
    name.as_bytes()[0] - b'a'
}

fn names(cas: CaSet) -> CaBundle {
    (0..8).filter(|number| has(cas, *number)).map(name).collect()
}

fn set(bundle: &CaBundle) -> CaSet {
    bundle.iter().fold(0, |set, name| set | 1 << number(name))
}

fn time(tick: u8) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(tick.into())
}

fn tick(time: SystemTime) -> u8 {
    u8::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Things and their numbers.
struct Table<T> {
    all: Vec<T>,
    numbers: HashMap<T, Index>,
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn number(&mut self, thing: T) -> Index {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        let number = Index::try_from(self.all.len()).unwrap();
        self.all.push(thing.clone());
        self.numbers.insert(thing, number);
        number
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: HashMap::new() }
    }
}
