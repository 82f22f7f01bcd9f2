//! The steps of replicas: the passes of `src/cluster/certificates/mod.rs`. Anything can happen between two steps.

use super::model::{Change, Model};
use super::state::{Access, Choice, Phase, Replica, ServingCertificate, State, Step, UNKNOWN_CA, has};

/// The next step of every replica that has something to do.
pub(crate) fn replica_steps(state: &State, model: &mut Model) -> Vec<(Step, State)> {
    (0..model.setup.replicas).filter_map(|index| step_of(state, model, index)).collect()
}

fn step_of(state: &State, model: &mut Model, index: usize) -> Option<(Step, State)> {
    let replica = state.replicas[index];
    if !replica.is_running() {
        return None;
    }
    match replica.phase {
        Phase::Idle if replica.access != Access::Everything => issue(state, model, index),
        Phase::Idle => replica.is_current.contains(&false).then(|| read_secret(state, model, index)),
        Phase::Read(configuration) => Some(read_configuration(state, model, index, configuration)),
        Phase::Issue => issue(state, model, index),
        Phase::Write(configuration) => Some(write(state, model, index, configuration)),
        Phase::ChangeCas => change_cas(state, model, index),
    }
}

/// A pass starts. If something cannot be read, the pass is aborted and what it read is dropped.
fn read_secret(state: &State, model: &Model, index: usize) -> (Step, State) {
    let mut replica = Replica { phase: Phase::Read(0), has_written: false, ..state.replicas[index] };
    (replica.read.secret, replica.read.since) = (state.secret, replica.clock(state.now));
    replica.is_current = [true, false, model.setup.configurations < 2];
    (Step::ReadSecret(index), state.with(index, replica))
}

fn read_configuration(state: &State, model: &mut Model, index: usize, read: usize) -> (Step, State) {
    let mut replica = state.replicas[index];
    if !replica.can_access_configurations() {
        return (Step::FailToRead(index), state.with(index, aborted(&replica)));
    }
    replica.read.configurations[read] = state.configurations[read];
    replica.is_current[1 + read] = true;
    replica.phase = Phase::Read(read + 1);
    if read + 1 == model.setup.configurations {
        replica.last_read = Some((replica.read, replica.clock(state.now)));
        replica.phase = Phase::Issue;
        advance(state, model, &mut replica);
    }
    (Step::ReadConfiguration(index, read), state.with(index, replica))
}

fn aborted(replica: &Replica) -> Replica {
    let read = replica.last_read.map(|(data, _)| data).unwrap_or_default();
    Replica { phase: Phase::Idle, is_current: [false; 3], read, ..*replica }
}

fn issue(state: &State, model: &mut Model, index: usize) -> Option<(Step, State)> {
    let mut replica = state.replicas[index];
    let now = replica.clock(state.now);
    let certificate = model.decision(state, &replica, now)?.certificate?;
    replica.certificate =
        Some(ServingCertificate { choice: choice(state, model, &replica, certificate), ..certificate });
    advance(state, model, &mut replica);
    Some((Step::Issue(index), state.with(index, replica)))
}

fn choice(state: &State, model: &Model, replica: &Replica, certificate: ServingCertificate) -> Choice {
    let (setup, now) = (&model.setup, replica.clock(state.now));
    let last_read = replica.last_read.map(|(data, _)| data).unwrap_or_default();
    let valid = model.trusted(state.secret) & !state.expired(state.now + setup.skew);
    match replica.certificate.filter(|served| served.not_after > now) {
        Some(served) if served.issuer == certificate.issuer && !setup.is_trusted(state, certificate.issuer) => {
            served.choice
        }
        Some(_) => Choice::Unforced,
        None if now > last_read.since + setup.ca_overlap => Choice::StaleCas,
        None if model.cas(last_read.secret) & model.cas(state.secret) == 0 => Choice::NoTrustedCa,
        None if (0..UNKNOWN_CA).any(|id| has(valid, id) && setup.is_surely_trusted_long_enough(state, id)) => {
            Choice::Unforced
        }
        None => Choice::NoTrustedCa,
    }
}

/// What is written was decided when everything had been read, however late the write arrives.
fn write(state: &State, model: &mut Model, index: usize, configuration: usize) -> (Step, State) {
    let mut replica = state.replicas[index];
    if !replica.can_access_configurations() {
        return (Step::FailToWrite(index), state.with(index, aborted(&replica)));
    }
    let at = replica.last_read.map_or(0, |(_, at)| at);
    let (ca_bundles, unknown_cas) = model.decision(state, &replica, at).unwrap().wanted[configuration];
    let is_current = replica.is_current[1 + configuration];
    replica.unknown_cas = unknown_cas;
    replica.has_written |= is_current;
    replica.phase = Phase::Write(configuration + 1);
    advance(state, model, &mut replica);
    let mut after = state.with(index, replica);
    if !is_current {
        return (Step::Conflict(index), after);
    }
    after.set_ca_bundles(configuration, ca_bundles);
    after.writes += 1;
    let in_every_ca_bundle = model.setup.in_every_ca_bundle(after.configurations);
    after.damaged &= !in_every_ca_bundle;
    reset_trusted_for(&mut after, in_every_ca_bundle);
    (Step::WriteCaBundles(index, configuration), after)
}

/// A CA that left a caBundle must be trusted for the whole propagation delay again, unless an external change removed
/// it.
pub(crate) fn reset_trusted_for(state: &mut State, in_every_ca_bundle: u8) {
    let trusted = in_every_ca_bundle | state.damaged;
    (0..)
        .zip(&mut state.trusted_for)
        .filter(|(id, _)| !has(trusted, *id))
        .for_each(|(_, trusted_for)| *trusted_for = 0);
}

fn change_cas(state: &State, model: &mut Model, index: usize) -> Option<(Step, State)> {
    let mut replica = state.replicas[index];
    if !replica.can_access_secret() {
        return Some((Step::FailToWrite(index), state.with(index, aborted(&replica))));
    }
    let (_, at) = replica.last_read?;
    let change = model.decision(state, &replica, at)?.change?;
    replica.phase = Phase::Idle;
    let mut after = state.with(index, replica);
    if !replica.is_current[0] {
        return Some((Step::Conflict(index), after));
    }
    let (step, secret) = match change {
        Change::Add => {
            assert!(state.created < UNKNOWN_CA, "more CAs than the model has numbers for");
            after.created += 1;
            after.expiries[usize::from(state.created)] = at + model.setup.ca;
            (Step::Add(index), model.added(state.secret, state.created, at))
        }
        Change::Trust(secret) => (Step::Trust(index), secret),
        Change::Retire(secret) => (Step::Retire(index), secret),
    };
    after.set_secret(secret);
    after.writes += 1;
    Some((step, after))
}

/// Moves a replica to the next phase in which something is due. An idle replica reads again; if only the time has
/// changed, it gets the same data without further steps.
fn advance(state: &State, model: &mut Model, replica: &mut Replica) {
    let now = replica.clock(state.now);
    while replica.is_running() {
        let at = replica.last_read.map_or(0, |(_, at)| at);
        replica.phase = match replica.phase {
            Phase::Idle => {
                if !has_nothing_new(replica) || at == now {
                    return;
                }
                (replica.read.since, replica.has_written) = (now, false);
                replica.last_read = Some((replica.read, now));
                Phase::Issue
            }
            Phase::Read(_) => return,
            Phase::Issue => {
                if model.decision(state, replica, now).is_some_and(|decision| decision.certificate.is_some()) {
                    return;
                }
                Phase::Write(0)
            }
            Phase::Write(all) if all == model.setup.configurations && replica.has_written => Phase::Idle,
            Phase::Write(all) if all == model.setup.configurations => Phase::ChangeCas,
            Phase::Write(configuration) => {
                let Some(decision) = model.decision(state, replica, at) else { return };
                let (ca_bundles, unknown_cas) = decision.wanted[configuration];
                if ca_bundles != [0; 2] && ca_bundles != replica.read.configurations[configuration] {
                    return;
                }
                replica.unknown_cas = unknown_cas;
                Phase::Write(configuration + 1)
            }
            Phase::ChangeCas => {
                if model.decision(state, replica, at).is_some_and(|decision| decision.change.is_some()) {
                    return;
                }
                Phase::Idle
            }
        };
    }
}

/// Starts a new pass after the time changed or the replica recovered: data that it has just read can make something due
/// now.
pub(crate) fn start_pass(state: &mut State, model: &mut Model, index: usize) {
    let mut replica = state.replicas[index];
    let has_just_read = replica.last_read.is_some_and(|(_, at)| at == replica.clock(state.now));
    if has_just_read && has_nothing_new(&replica) {
        (replica.phase, replica.has_written) = (Phase::Issue, false);
    }
    advance(state, model, &mut replica);
    state.replicas[index] = replica;
}

fn has_nothing_new(replica: &Replica) -> bool {
    let is_idle = replica.is_running() && replica.phase == Phase::Idle;
    is_idle && replica.access == Access::Everything && !replica.is_current.contains(&false)
}

pub(crate) fn tick(state: &State, model: &mut Model) -> State {
    let setup = model.setup;
    let mut after = State { now: state.now + 1, writes: 0, ..*state };
    for id in (0..UNKNOWN_CA).filter(|id| setup.is_trusted(state, *id)) {
        let trusted_for = &mut after.trusted_for[usize::from(id)];
        *trusted_for = (setup.propagation_delay + setup.skew).min(*trusted_for + 1);
    }
    (0..setup.replicas).for_each(|index| start_pass(&mut after, model, index));
    after
}
