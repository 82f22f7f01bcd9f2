//! Searches all reachable states, in the order of their distance from the first.

use super::failures::{external_changes, failures};
use super::invariants;
use super::model::Model;
use super::setup::Setup;
use super::state::{START, State, Step};
use super::steps::{replica_steps, start_pass, tick};
use foldhash::quality::FixedState;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::mem::{Discriminant, discriminant};

/// More steps than replicas ever need until everything has settled.
const MAX_STEPS: usize = 200;

pub(crate) struct Search {
    model: Model,
    /// The states that were reached, each with the step that led to it and the index of the state before.
    states: Vec<(State, Step, u32)>,
    known: HashSet<u64, FixedState>,
    /// States that are known to settle.
    settling: HashSet<u64, FixedState>,
    steps: HashSet<Discriminant<Step>>,
}

/// The result of a search.
pub(crate) struct Reached {
    pub(crate) states: usize,
    /// The most CAs that followed each other.
    pub(crate) cas: u8,
    pub(crate) steps: HashSet<Discriminant<Step>>,
}

/// A violated invariant, and the steps that lead to it.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) trace: String,
}

impl Search {
    /// Explores all states of a setup, until an invariant is violated.
    pub(crate) fn run(setup: Setup) -> Result<Reached, Violation> {
        let mut search = Self {
            model: Model::new(setup),
            states: Vec::new(),
            known: HashSet::default(),
            settling: HashSet::default(),
            steps: HashSet::new(),
        };
        search.add(setup.first(), Step::Begin, 0);
        let (mut index, mut cas) = (0, 0);
        while let Some((state, ..)) = search.states.get(index).copied() {
            cas = cas.max(state.created);
            search.settle(&state).map_err(|invariant| search.violation(invariant, index, "no more failures"))?;
            if state.now < START + setup.ticks {
                search.explore(&state, index)?;
            }
            index += 1;
        }
        Ok(Reached { states: search.states.len(), cas, steps: search.steps })
    }

    fn explore(&mut self, state: &State, index: usize) -> Result<(), Violation> {
        for (step, after) in self.next(state) {
            self.steps.insert(discriminant(&step));
            if let Some(invariant) = invariants::violated(state, step, &after, &self.model) {
                return Err(self.violation(invariant, index, &format!("{step:?}\nto {after:?}")));
            }
            self.add(after, step, index);
        }
        Ok(())
    }

    /// The clock ticks only when every running replica has done what is due.
    fn next(&mut self, state: &State) -> Vec<(Step, State)> {
        let mut next = replica_steps(state, &mut self.model);
        if next.is_empty() {
            next.push((Step::Tick, tick(state, &mut self.model)));
        }
        next.extend(failures(state, &mut self.model));
        next.extend(external_changes(state, &mut self.model));
        next
    }

    /// Replicas are equal: states that differ only in their order are the same.
    fn add(&mut self, mut state: State, step: Step, from: usize) {
        state.replicas[..self.model.setup.replicas].sort_unstable();
        if self.known.insert(FixedState::default().hash_one(state)) {
            self.states.push((state, step, u32::try_from(from).unwrap()));
        }
    }

    /// Checks that the state settles without further failures: whenever no replica has anything to do, everything is in
    /// order, and at the end no unknown CA is left.
    fn settle(&mut self, state: &State) -> Result<(), &'static str> {
        let mut state = invariants::without_failures(state, &self.model);
        (0..self.model.setup.replicas).for_each(|index| start_pass(&mut state, &mut self.model, index));
        let end = state.now + self.model.setup.longest_unknown() + 1;
        for _ in 0..MAX_STEPS {
            if !self.settling.insert(FixedState::default().hash_one(state)) {
                return Ok(());
            }
            let step = replica_steps(&state, &mut self.model).into_iter().next();
            let invariant = match step {
                Some((step, after)) => invariants::violated(&state, step, &after, &self.model),
                None => invariants::unsettled(&state, &self.model),
            };
            invariant.map_or(Ok(()), Err)?;
            state = match step {
                Some((_, after)) => after,
                None if state.now == end => return invariants::unknown_ca_left(&state).map_or(Ok(()), Err),
                None => tick(&state, &mut self.model),
            };
        }
        Err("I6: replicas work without end")
    }

    fn violation(&self, invariant: &'static str, from: usize, last: &str) -> Violation {
        let (mut trace, mut index) = (Vec::new(), from);
        while let (_, step, before) = &self.states[index]
            && *step != Step::Begin
        {
            trace.push(format!("{step:?}"));
            index = usize::try_from(*before).unwrap();
        }
        trace.reverse();
        let state = &self.states[from].0;
        Violation { invariant, trace: format!("{}: {}\nat {state:?}\n{last}", self.model.setup.name, trace.join(", ")) }
    }
}
