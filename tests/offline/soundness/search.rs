//! Searches every world that up to [`WRITES`] writes of one gateway and its `ConfigMap`s reach, in the order of their
//! distance from an empty namespace.
//!
//! A write of another workload before changes nothing: each write replaces the whole container. So one container at a
//! time is searched with every sequence of writes. A restart is a write of the same container with another template.

use super::decisions::{Decisions, Review, View, deployment, fixed, is_good};
use super::properties;
use super::reading::{ConfigMaps, Reading, auth_setting};
use super::state::{ABSENT, ConfigMapState, Counts, Seen, WorkloadState, World, Write};
use super::universe::{Gateway, KEYS, values};
use crate::environment::world::{From, GIVEN, Source, Texts};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The longest sequence of writes.
pub(crate) const WRITES: usize = 4;
/// A `ConfigMap` after a write.
#[derive(Clone, Copy)]
struct Written {
    code: u16,
    has_same_settings: bool,
}

/// The decision about the workload, with what the cache shows.
#[derive(Clone)]
struct Decided {
    denied_by: Vec<&'static str>,
    is_fixed: bool,
}

pub(crate) struct Search<'s> {
    decisions: &'s mut Decisions,
    gateway: &'s Gateway,
    review: Review,
    /// The container as the mutating webhook changes it, if it does.
    fixed: Gateway,
    /// The keys of each `ConfigMap` that can matter to the container.
    keys: [Vec<&'static str>; 2],
    /// The data that a `ConfigMap` can be given.
    codes: [Vec<u16>; 2],
    decided: HashMap<[Option<u16>; 2], Decided>,
    written: HashMap<(usize, u16, u16, bool), Option<Written>>,
    readings: HashMap<(bool, [u16; 2]), Rc<Reading>>,
    worlds: Vec<(World, Write, usize)>,
    known: HashSet<World>,
    /// Is the next write the last one?
    is_last: bool,
    counts: &'s mut Counts,
}

impl<'s> Search<'s> {
    /// Explores every world of a container, until a property is violated.
    pub(crate) fn run(
        gateway: &'s Gateway,
        decisions: &'s mut Decisions,
        counts: &'s mut Counts,
    ) -> Result<(), String> {
        let fixed = fixed(gateway);
        // more keys than matter do no harm
        let keys = [0, 1].map(|index| relevant_keys(&fixed, index));
        let codes = [0, 1].map(|index| if refers_to(&fixed, index) { codes(&keys[index]) } else { Vec::new() });
        let mut search = Self {
            decisions,
            gateway,
            review: Review::of(deployment(gateway)),
            fixed,
            keys,
            codes,
            decided: HashMap::new(),
            written: HashMap::new(),
            readings: HashMap::new(),
            worlds: Vec::new(),
            known: HashSet::new(),
            is_last: false,
            counts,
        };
        search.counts.containers += 1;
        search.explore()
    }

    fn explore(&mut self) -> Result<(), String> {
        let absent = ConfigMapState { code: ABSENT, is_old: false, seen: Seen::Later };
        for is_enforced in [false, true] {
            let world = World { is_enforced, workload: WorkloadState::Absent, config_maps: [absent; 2], before: None };
            self.add(world, Write::Begin, 0)?;
        }
        let mut from = 0;
        for write in 0..WRITES {
            let to = self.worlds.len();
            self.is_last = write + 1 == WRITES;
            for index in from..to {
                self.write(index)?;
            }
            from = to;
        }
        self.counts.worlds += self.worlds.len();
        Ok(())
    }

    /// Every write in a world.
    fn write(&mut self, index: usize) -> Result<(), String> {
        let world = World { before: None, ..self.worlds[index].0 };
        let is_enforced = !world.is_enforced;
        self.counts.writes += 1;
        self.add(World { is_enforced, ..world }, Write::Label(is_enforced), index)?;
        for config_map in [0, 1] {
            for code in self.codes[config_map].clone() {
                self.write_config_map(index, config_map, code)?;
            }
        }
        self.write_workload(index)
    }

    fn write_config_map(&mut self, index: usize, config_map: usize, code: u16) -> Result<(), String> {
        let mut world = World { before: None, ..self.worlds[index].0 };
        let before = world.config_maps[config_map];
        if before.code == code {
            return Ok(());
        }
        self.counts.writes += 1;
        let Some(written) = self.written(config_map, before.code, code, world.is_enforced)? else {
            self.counts.denied += 1;
            return Ok(());
        };
        world.config_maps[config_map] = ConfigMapState {
            code: written.code,
            is_old: if written.has_same_settings { before.is_old } else { !world.is_enforced },
            seen: if written.code == before.code { before.seen } else { Seen::Later },
        };
        world.before = Some((config_map, before.code));
        self.add(world, Write::ConfigMap(config_map, written.code), index)
    }

    /// The `ConfigMap` after a write; `None` if it is denied.
    fn written(&mut self, config_map: usize, old: u16, new: u16, is_enforced: bool) -> Result<Option<Written>, String> {
        let at = (config_map, old, new, is_enforced);
        if let Some(written) = self.written.get(&at) {
            return Ok(*written);
        }
        let before = self.texts(config_map, old);
        let (mut after, mut is_admitted) = (self.texts(config_map, new), true);
        if is_enforced && let Some(texts) = &mut after {
            (is_admitted, *texts) = self.decisions.config_map(config_map, before.as_ref(), texts);
            properties::config_map(before.as_ref(), texts, is_admitted)?;
        }
        let written = is_admitted.then(|| Written {
            code: after.as_ref().map_or(ABSENT, |texts| self.code(config_map, texts)),
            has_same_settings: settings(before.as_ref()) == settings(after.as_ref()),
        });
        self.written.insert(at, written);
        Ok(written)
    }

    fn write_workload(&mut self, index: usize) -> Result<(), String> {
        let world = self.worlds[index].0;
        if !world.is_enforced {
            self.counts.writes += 1;
            let mut after = World { workload: WorkloadState::Old, before: None, ..world };
            after.config_maps.iter_mut().for_each(|config_map| config_map.seen = Seen::Later);
            return self.add(after, Write::Workload(["not asked"; 2]), index);
        }
        for first in self.views(&world, 0) {
            for second in self.views(&world, 1) {
                self.write_evaluated_workload(index, [first, second])?;
            }
        }
        Ok(())
    }

    fn write_evaluated_workload(&mut self, index: usize, views: [(Option<u16>, Seen); 2]) -> Result<(), String> {
        let world = self.worlds[index].0;
        self.counts.writes += 1;
        let decision = self.decided(views)?;
        if !decision.denied_by.is_empty() {
            self.counts.denied += 1;
            return Ok(());
        }
        let workload = if decision.is_fixed { WorkloadState::Fixed } else { WorkloadState::Admitted };
        let mut after = World { workload, before: None, ..world };
        for (config_map, (_, seen)) in after.config_maps.iter_mut().zip(views) {
            config_map.seen = seen;
        }
        self.add(after, Write::Workload(views.map(|(_, seen)| seen.name())), index)
    }

    /// What the cache can hold of a `ConfigMap`: the data, the data one write ago, or nothing known.
    fn views(&self, world: &World, config_map: usize) -> Vec<(Option<u16>, Seen)> {
        let mut views = vec![(Some(world.config_maps[config_map].code), Seen::Current)];
        views.extend(refers_to(&self.fixed, config_map).then_some((None, Seen::Missed)));
        views.extend(world.before.filter(|before| before.0 == config_map).map(|before| (Some(before.1), Seen::Missed)));
        views
    }

    fn decided(&mut self, views: [(Option<u16>, Seen); 2]) -> Result<Decided, String> {
        let codes = views.map(|(code, _)| code);
        if let Some(decision) = self.decided.get(&codes) {
            return Ok(decision.clone());
        }
        let known = [0, 1].map(|index| codes[index].map_or(View::Unknown, |code| View::Known(self.texts(index, code))));
        let decision = self.decisions.decide(&self.review, &known);
        if let Some(object) = &decision.object {
            assert_eq!(object, &deployment(&self.fixed));
        }
        let decision = Decided { denied_by: decision.denied_by, is_fixed: decision.object.is_some() };
        let stored = if decision.is_fixed { &self.fixed } else { self.gateway };
        properties::workload(stored, &known, &decision.denied_by)
            .map_err(|violation| format!("{violation}\ncache: {known:?}"))?;
        self.decided.insert(codes, decision.clone());
        Ok(decision)
    }

    fn add(&mut self, mut world: World, write: Write, from: usize) -> Result<(), String> {
        if self.is_last || !world.is_enforced {
            world.before = None;
        }
        // without enforcement no property is checked
        if (self.is_last && !world.is_enforced) || !self.known.insert(world) {
            return Ok(());
        }
        self.worlds.push((world, write, from));
        if world.workload == WorkloadState::Absent {
            return Ok(());
        }
        let reading = self.reading(&world);
        let gateway = if world.workload == WorkloadState::Fixed { &self.fixed } else { self.gateway };
        let exceptions = properties::reading(gateway, &world, &reading)
            .map_err(|violation| format!("{violation}\n{}", self.trace(self.worlds.len() - 1)))?;
        for exception in exceptions {
            *self.counts.exceptions.entry(exception).or_default() += 1;
        }
        Ok(())
    }

    fn reading(&mut self, world: &World) -> Rc<Reading> {
        let (is_fixed, codes) = (world.workload == WorkloadState::Fixed, world.config_maps.map(|state| state.code));
        if let Some(reading) = self.readings.get(&(is_fixed, codes)) {
            return Rc::clone(reading);
        }
        let config_maps = [0, 1].map(|index| self.texts(index, codes[index]));
        let gateway = if is_fixed { &self.fixed } else { self.gateway };
        let reading = Rc::new(Reading::of(gateway, &config_maps));
        self.readings.insert((is_fixed, codes), Rc::clone(&reading));
        reading
    }

    /// The writes that lead to a world.
    fn trace(&self, mut index: usize) -> String {
        let mut trace = Vec::new();
        loop {
            let (_, write, from) = &self.worlds[index];
            trace.push(match write {
                Write::Begin => format!("enforced at the beginning: {}", self.worlds[index].0.is_enforced),
                Write::Label(is_enforced) => format!("label: enforced {is_enforced}"),
                Write::ConfigMap(config_map, code) => {
                    format!("ConfigMap {}: {:?}", GIVEN[*config_map], self.texts(*config_map, *code))
                }
                Write::Workload(views) => format!("workload, with what the cache shows of each ConfigMap: {views:?}"),
            });
            if matches!(write, Write::Begin) {
                break;
            }
            index = *from;
        }
        trace.reverse();
        trace.join("\n")
    }

    /// The data of a code: a digit for each relevant key, 0 if it has none.
    fn texts(&self, config_map: usize, code: u16) -> Option<Texts> {
        let digit = |index: usize| usize::from(code) >> (2 * index) & 3;
        let keys = self.keys[config_map].iter().enumerate();
        let texts = keys.filter_map(|(index, key)| Some((*key, values(key)[digit(index).checked_sub(1)?])));
        (code != ABSENT).then(|| texts.collect())
    }

    /// The code of data, without the keys that do not matter.
    fn code(&self, config_map: usize, texts: &Texts) -> u16 {
        let keys = self.keys[config_map].iter().enumerate();
        let digits = keys.map(|(index, key)| {
            let digit =
                texts.get(key).map_or(0, |text| values(key).iter().position(|value| value == text).unwrap() + 1);
            digit << (2 * index)
        });
        u16::try_from(digits.sum::<usize>()).unwrap()
    }
}

/// The auth settings in the data of a `ConfigMap`.
pub(crate) fn settings(texts: Option<&Texts>) -> Vec<(&'static str, &'static str)> {
    let texts = texts.into_iter().flatten().map(|(key, text)| (*key, *text));
    texts.filter(|(key, _)| auth_setting(key).is_some()).collect()
}

/// Does the container take anything from this `ConfigMap`?
fn refers_to(gateway: &Gateway, index: usize) -> bool {
    let is_this = |of: &Source| matches!(of, Source::ConfigMap(name) if *name == GIVEN[index]);
    gateway.container.env_from.iter().any(|entry| is_this(&entry.of))
        || gateway.container.env.iter().any(|entry| matches!(&entry.from, Some(From::Key { of, .. }) if is_this(of)))
}

/// The keys of a `ConfigMap` that the container can read as its auth setting, or refers to.
fn relevant_keys(gateway: &Gateway, index: usize) -> Vec<&'static str> {
    let is_this = |of: &Source| matches!(of, Source::ConfigMap(name) if *name == GIVEN[index]);
    let is_referred_to = |name: &str| gateway.texts().any(|text| text.contains(&format!("$({name})")));
    let matters = |key: &&str| {
        let whole = gateway.container.env_from.iter().any(|entry| {
            let name = format!("{}{key}", entry.prefix.unwrap_or_default());
            is_this(&entry.of) && (auth_setting(&name).is_some() || is_referred_to(&name))
        });
        let single =
            gateway.container.env.iter().any(
                |entry| matches!(&entry.from, Some(From::Key { of, key: taken, .. }) if is_this(of) && taken == key),
            );
        whole || single
    };
    KEYS.into_iter().filter(matters).collect()
}

/// The data of a `ConfigMap` with these keys: every combination of two keys, and with more keys every single one.
fn codes(keys: &[&str]) -> Vec<u16> {
    let mut codes = vec![ABSENT, 0];
    for first in 0..keys.len() {
        for value in 1..=2_u16 {
            codes.push(value << (2 * first));
            if keys.len() == 2 && first == 0 {
                codes.extend((1..=2_u16).map(|other| value | other << 2));
            }
        }
    }
    codes
}

/// The data of both `ConfigMap`s as the cache shows it, if it shows both.
pub(crate) fn both(views: &[View; 2]) -> Option<ConfigMaps> {
    match views {
        [View::Known(first), View::Known(second)] => Some([first.clone(), second.clone()]),
        _ => None,
    }
}

/// Does the cache show both, without a key in them?
pub(crate) fn shows_good(views: &[View; 2]) -> bool {
    both(views).is_some_and(|config_maps| is_good(&config_maps))
}
