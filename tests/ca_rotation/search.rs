//! Every world that can be reached, nearest first.

use crate::failures::{deeds, failures};
use crate::machine::Machine;
use crate::properties;
use crate::setup::Setup;
use crate::steps::{look, tick, work};
use crate::world::{START, Step, World};
use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::mem::{Discriminant, discriminant};

type Hasher = BuildHasherDefault<DefaultHasher>;

/// More steps than replicas ever take before all is settled.
const STEPS: usize = 200;

pub(crate) struct Search {
    machine: Machine,
    /// The worlds that were reached, each with the step that led to it and the place of the one before it.
    worlds: Vec<(World, Step, u32)>,
    known: HashSet<u64, Hasher>,
    /// Worlds that settle, and stay so.
    settling: HashSet<u64, Hasher>,
    steps: HashSet<Discriminant<Step>>,
}

/// What a search came to.
pub(crate) struct Reached {
    pub(crate) worlds: usize,
    /// How many CAs followed each other at most.
    pub(crate) cas: u8,
    pub(crate) steps: HashSet<Discriminant<Step>>,
}

/// A law that is broken, and how that comes.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) law: &'static str,
    pub(crate) way: String,
}

impl Search {
    /// Goes through all worlds of a setup, until one breaks a law.
    pub(crate) fn run(setup: Setup) -> Result<Reached, Broken> {
        let mut search = Self {
            machine: Machine::new(setup),
            worlds: Vec::new(),
            known: HashSet::default(),
            settling: HashSet::default(),
            steps: HashSet::new(),
        };
        search.reach(setup.first(), Step::Begin, 0);
        let (mut index, mut cas) = (0, 0);
        while let Some((world, ..)) = search.worlds.get(index).copied() {
            cas = cas.max(world.made);
            search.settle(&world).map_err(|law| search.broken(law, index, "nothing is wrong any more"))?;
            if world.now < START + setup.ticks {
                search.go_on(&world, index)?;
            }
            index += 1;
        }
        Ok(Reached { worlds: search.worlds.len(), cas, steps: search.steps })
    }

    fn go_on(&mut self, world: &World, index: usize) -> Result<(), Broken> {
        for (step, after) in self.next(world) {
            self.steps.insert(discriminant(&step));
            if let Some(law) = properties::broken(world, step, &after, &self.machine) {
                return Err(self.broken(law, index, &format!("{step:?}\nto {after:?}")));
            }
            self.reach(after, step, index);
        }
        Ok(())
    }

    /// The clock moves only when all who can have done what is due.
    fn next(&mut self, world: &World) -> Vec<(Step, World)> {
        let mut next = work(world, &mut self.machine);
        if next.is_empty() {
            next.push((Step::Tick, tick(world, &mut self.machine)));
        }
        next.extend(failures(world, &mut self.machine));
        next.extend(deeds(world, &mut self.machine));
        next
    }

    /// Replicas are equal: worlds that only differ in their order are the same.
    fn reach(&mut self, mut world: World, step: Step, from: usize) {
        world.replicas[..self.machine.setup.replicas].sort_unstable();
        if self.known.insert(Hasher::default().hash_one(world)) {
            self.worlds.push((world, step, u32::try_from(from).unwrap()));
        }
    }

    /// From here on nothing goes wrong any more. Is all as it should be whenever nobody has anything left to do, until a CA
    /// that nobody knows must have been forgotten?
    fn settle(&mut self, world: &World) -> Result<(), &'static str> {
        let mut world = properties::mended(world, &self.machine);
        (0..self.machine.setup.replicas).for_each(|index| look(&mut world, &mut self.machine, index));
        let end = world.now + self.machine.setup.patience() + 1;
        for _ in 0..STEPS {
            if !self.settling.insert(Hasher::default().hash_one(world)) {
                return Ok(());
            }
            let step = work(&world, &mut self.machine).into_iter().next();
            let law = match step {
                Some((step, after)) => properties::broken(&world, step, &after, &self.machine),
                None => properties::unsettled(&world, &self.machine),
            };
            law.map_or(Ok(()), Err)?;
            world = match step {
                Some((_, after)) => after,
                None if world.now == end => return properties::unforgotten(&world).map_or(Ok(()), Err),
                None => tick(&world, &mut self.machine),
            };
        }
        Err("I6: replicas work without end")
    }

    fn broken(&self, law: &'static str, from: usize, last: &str) -> Broken {
        let (mut way, mut index) = (Vec::new(), from);
        while let (_, step, before) = &self.worlds[index]
            && *step != Step::Begin
        {
            way.push(format!("{step:?}"));
            index = usize::try_from(*before).unwrap();
        }
        way.reverse();
        let world = &self.worlds[from].0;
        Broken { law, way: format!("{}: {}\nat {world:?}\n{last}", self.machine.setup.name, way.join(", ")) }
    }
}
