//! What `apim_keyless::tls` says to what a replica sees.
//!
//! What Secrets hold and what replicas remember is kept once and known by its number, and nothing is asked twice. So a world
//! is a few bytes, and a million of them little.

use crate::flaws::{Asked, Flaw};
use crate::setup::Setup;
use crate::world::{Authorities, Bundles, Choice, Index, Leaf, Replica, World, has};
use apim_keyless::tls::{Amendment, Bundle, Generation, Shown, Strangers, View};
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) struct Machine {
    pub(crate) setup: Setup,
    secrets: Table<Vec<Generation>>,
    strangers: Table<Strangers>,
    answers: HashMap<Question, Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    now: u8,
    is_fresh: bool,
    secret: Index,
    configurations: [Bundles; 2],
    leaf: Option<Leaf>,
    strangers: Index,
}

#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) change: Option<Change>,
    /// The leaf that is to be taken.
    pub(crate) leaf: Option<Leaf>,
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
            Self { setup, secrets: Table::default(), strangers: Table::default(), answers: HashMap::new() };
        machine.secrets.number(Vec::new());
        machine.strangers.number(Strangers::default());
        machine
    }

    /// The CAs that a Secret holds.
    pub(crate) fn authorities(&self, secret: Index) -> Authorities {
        self.secrets.all[usize::from(secret)].iter().fold(0, |all, generation| all | 1 << number(&generation.id))
    }

    /// Those of them that are said to be trusted.
    pub(crate) fn trusted(&self, secret: Index) -> Authorities {
        let generations = self.secrets.all[usize::from(secret)].iter();
        let trusted = generations.filter(|generation| generation.trusted_since.is_some());
        trusted.fold(0, |all, generation| all | 1 << number(&generation.id))
    }

    /// A Secret with one more CA, made at `now`.
    pub(crate) fn added(&mut self, secret: Index, id: u8, now: u8) -> Index {
        let mut generations = self.secrets.all[usize::from(secret)].clone();
        generations.push(Generation {
            not_before: time(now),
            not_after: time(now + self.setup.authority),
            id: name(id),
            trusted_since: (self.setup.flaw == Some(Flaw::EarlyTrust)).then(|| time(now)),
        });
        generations.sort();
        self.secrets.number(generations)
    }

    /// A Secret with one CA less.
    pub(crate) fn without(&mut self, secret: Index, id: u8) -> Index {
        let generations = self.secrets.all[usize::from(secret)].clone();
        self.secrets.number(amended(generations, &Amendment::Retire(vec![name(id)]), time(0)))
    }

    /// What a replica is to do at a moment of its own clock; `None` as long as it has seen nothing.
    pub(crate) fn answer(&mut self, world: &World, replica: &Replica, now: u8) -> Option<Answer> {
        let (mut sight, at) = replica.seen?;
        // a certificate that has ended is none to whoever reads a bundle
        let ended = world.ended(now);
        sight.configurations.as_flattened_mut().iter_mut().for_each(|bundle| *bundle &= !ended);
        let question = Question {
            now,
            is_fresh: now.checked_sub(at).is_some_and(|age| age < self.setup.margin / 2),
            secret: sight.secret,
            configurations: sight.configurations,
            leaf: replica.leaf.map(|leaf| Leaf { choice: Choice::Deliberate, ..leaf }),
            strangers: replica.strangers,
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
        let generations = self.secrets.all[usize::from(question.secret)].clone();
        let bundles = question.configurations[..configurations].iter().flat_map(|bundles| &bundles[..entries]);
        let bundles: Vec<Bundle> = bundles.map(|bundle| names(*bundle)).collect();
        let view = View {
            generations: &generations,
            entries: &bundles,
            is_fresh: question.is_fresh,
            now: time(question.now),
            terms: self.setup.terms(),
        };
        let shown = question.leaf.map(|leaf| shown(leaf, question.now));
        let seen = |asked| flaw.map_or(view, |flaw| flaw.view(asked, view));
        let change = seen(Asked::Amendment).amendment();
        let change = change.filter(|change| !flaw.is_some_and(|flaw| flaw.omits(change, &view)));
        let leaf = seen(Asked::Issuer).issuer(shown.as_ref()).map(|issuer| self.leaf(issuer, question.now));
        let mut wanted = [([0; 2], 0); 2];
        for (wanted, bundles) in wanted.iter_mut().zip(bundles.chunks(entries)) {
            let mut strangers = self.strangers.all[usize::from(question.strangers)].clone();
            for (wanted, bundle) in wanted.0.iter_mut().zip(bundles) {
                let right = strangers.wanted(bundle, &seen(Asked::Wanted), shown.as_ref());
                *wanted = set(&flaw.map_or(right.clone(), |flaw| flaw.bundle(bundle, right, &view)));
            }
            wanted.1 = self.strangers.number(flaw.map_or(strangers.clone(), |flaw| flaw.memory(strangers)));
        }
        Answer { change: change.map(|change| self.change(generations, &change, view.now)), leaf, wanted }
    }

    fn change(&mut self, generations: Vec<Generation>, amendment: &Amendment, now: SystemTime) -> Change {
        let number = self.secrets.number(amended(generations, amendment, now));
        match amendment {
            Amendment::Add => Change::Add,
            Amendment::Trust(_) => Change::Trust(number),
            Amendment::Retire(_) => Change::Retire(number),
        }
    }

    fn leaf(&self, issuer: &Generation, now: u8) -> Leaf {
        let whole = now + self.setup.leaf;
        let not_after =
            if self.setup.flaw == Some(Flaw::LongLeaves) { whole } else { whole.min(tick(issuer.not_after)) };
        Leaf { issuer: number(&issuer.id), not_before: now, not_after, choice: Choice::Deliberate }
    }
}

fn amended(mut generations: Vec<Generation>, amendment: &Amendment, now: SystemTime) -> Vec<Generation> {
    match amendment {
        Amendment::Add => {}
        Amendment::Trust(id) => {
            let trusted = generations.iter_mut().filter(|generation| generation.id == *id);
            trusted.for_each(|generation| generation.trusted_since = Some(now));
        }
        Amendment::Retire(ids) => generations.retain(|generation| !ids.contains(&generation.id)),
    }
    generations
}

fn shown(leaf: Leaf, now: u8) -> Shown {
    let (life, rest) = (leaf.not_after - leaf.not_before, leaf.not_after.saturating_sub(now));
    Shown { issuer: name(leaf.issuer), not_after: time(leaf.not_after), is_worn: 3 * rest < life }
}

/// The name of a CA by its number.
pub(crate) fn name(number: u8) -> String {
    char::from(b'a' + number).to_string()
}

fn number(name: &str) -> u8 {
    name.as_bytes()[0] - b'a'
}

fn names(authorities: Authorities) -> Bundle {
    (0..8).filter(|number| has(authorities, *number)).map(name).collect()
}

fn set(bundle: &Bundle) -> Authorities {
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
