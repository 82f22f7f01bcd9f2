//! What the replicas do: the looks of `src/cluster/trust.rs`, in single steps between which anything may happen.

use crate::machine::{Change, Machine};
use crate::world::{Choice, FOREIGN, Place, Reach, Replica, ServingCertificate, Step, World, has};

/// The next step of every replica that has something to do.
pub(crate) fn work(world: &World, machine: &mut Machine) -> Vec<(Step, World)> {
    (0..machine.setup.replicas).filter_map(|index| act(world, machine, index)).collect()
}

fn act(world: &World, machine: &mut Machine, index: usize) -> Option<(Step, World)> {
    let replica = world.replicas[index];
    if !replica.acts() {
        return None;
    }
    match replica.place {
        Place::Rest if replica.reach != Reach::Everything => issue(world, machine, index),
        Place::Rest => replica.is_current.contains(&false).then(|| read_secret(world, machine, index)),
        Place::Read(configuration) => Some(read_configuration(world, machine, (index, configuration))),
        Place::Issue => issue(world, machine, index),
        Place::Write(configuration) => Some(write(world, machine, (index, configuration))),
        Place::Amend => amend(world, machine, index),
    }
}

/// A look begins. It is given up if something can't be read, and then nothing of it counts.
fn read_secret(world: &World, machine: &Machine, index: usize) -> (Step, World) {
    let mut replica = Replica { place: Place::Read(0), has_written: false, ..world.replicas[index] };
    (replica.read.secret, replica.read.since) = (world.secret, replica.clock(world.now));
    replica.is_current = [true, false, machine.setup.configurations < 2];
    (Step::ReadSecret(index), world.with(index, replica))
}

fn read_configuration(world: &World, machine: &mut Machine, (index, read): (usize, usize)) -> (Step, World) {
    let mut replica = world.replicas[index];
    if !replica.reaches_configurations() {
        return (Step::FailToRead(index), world.with(index, given_up(&replica)));
    }
    replica.read.configurations[read] = world.configurations[read];
    replica.is_current[1 + read] = true;
    replica.place = Place::Read(read + 1);
    if read + 1 == machine.setup.configurations {
        replica.seen = Some((replica.read, replica.clock(world.now)));
        replica.place = Place::Issue;
        go_on(world, machine, &mut replica);
    }
    (Step::ReadConfiguration(index, read), world.with(index, replica))
}

fn given_up(replica: &Replica) -> Replica {
    let read = replica.seen.map(|(sight, _)| sight).unwrap_or_default();
    Replica { place: Place::Rest, is_current: [false; 3], read, ..*replica }
}

fn issue(world: &World, machine: &mut Machine, index: usize) -> Option<(Step, World)> {
    let mut replica = world.replicas[index];
    let now = replica.clock(world.now);
    let certificate = machine.answer(world, &replica, now)?.certificate?;
    replica.certificate =
        Some(ServingCertificate { choice: choice(world, machine, &replica, certificate), ..certificate });
    go_on(world, machine, &mut replica);
    Some((Step::Issue(index), world.with(index, replica)))
}

fn choice(world: &World, machine: &Machine, replica: &Replica, certificate: ServingCertificate) -> Choice {
    let (setup, now) = (&machine.setup, replica.clock(world.now));
    let seen = replica.seen.map(|(sight, _)| sight).unwrap_or_default();
    let valid = machine.trusted(world.secret) & !world.ended(world.now + setup.skew);
    match replica.certificate.filter(|shown| shown.not_after > now) {
        Some(shown) if shown.issuer == certificate.issuer && !setup.is_trusted(world, certificate.issuer) => {
            shown.choice
        }
        Some(_) => Choice::Deliberate,
        None if now > seen.since + setup.ca_overlap => Choice::Late,
        None if machine.cas(seen.secret) & machine.cas(world.secret) == 0 => Choice::First,
        None if (0..FOREIGN).any(|id| has(valid, id) && setup.is_surely_held(world, id)) => Choice::Deliberate,
        None => Choice::First,
    }
}

/// What is written was made up when all had been read, however late it arrives.
fn write(world: &World, machine: &mut Machine, (index, configuration): (usize, usize)) -> (Step, World) {
    let mut replica = world.replicas[index];
    if !replica.reaches_configurations() {
        return (Step::FailToWrite(index), world.with(index, given_up(&replica)));
    }
    let at = replica.seen.map_or(0, |(_, at)| at);
    let (bundles, unknown_cas) = machine.answer(world, &replica, at).unwrap().wanted[configuration];
    let is_current = replica.is_current[1 + configuration];
    replica.unknown_cas = unknown_cas;
    replica.has_written |= is_current;
    replica.place = Place::Write(configuration + 1);
    go_on(world, machine, &mut replica);
    let mut after = world.with(index, replica);
    if !is_current {
        return (Step::ComeTooLate(index), after);
    }
    after.set_bundles(configuration, bundles);
    after.writes += 1;
    let everywhere = machine.setup.everywhere(after.configurations);
    after.damaged &= !everywhere;
    forget_held(&mut after, everywhere);
    (Step::WriteBundles(index, configuration), after)
}

/// A CA that left an entry begins its hold anew, unless somebody else took it out.
pub(crate) fn forget_held(world: &mut World, everywhere: u8) {
    let trusted = everywhere | world.damaged;
    (0..).zip(&mut world.held).filter(|(id, _)| !has(trusted, *id)).for_each(|(_, held)| *held = 0);
}

fn amend(world: &World, machine: &mut Machine, index: usize) -> Option<(Step, World)> {
    let mut replica = world.replicas[index];
    if !replica.reaches_secret() {
        return Some((Step::FailToWrite(index), world.with(index, given_up(&replica))));
    }
    let (_, at) = replica.seen?;
    let change = machine.answer(world, &replica, at)?.change?;
    replica.place = Place::Rest;
    let mut after = world.with(index, replica);
    if !replica.is_current[0] {
        return Some((Step::ComeTooLate(index), after));
    }
    let (step, secret) = match change {
        Change::Add => {
            assert!(world.made < FOREIGN, "more CAs than the model has numbers for");
            after.made += 1;
            after.ends[usize::from(world.made)] = at + machine.setup.ca;
            (Step::Add(index), machine.added(world.secret, world.made, at))
        }
        Change::Trust(secret) => (Step::Trust(index), secret),
        Change::Retire(secret) => (Step::Retire(index), secret),
    };
    after.set_secret(secret);
    after.writes += 1;
    Some((step, after))
}

/// From where a replica is to where something is due: what is not, it passes over. At rest it looks again, and if nothing has
/// changed but the time, it sees at once what it saw.
fn go_on(world: &World, machine: &mut Machine, replica: &mut Replica) {
    let now = replica.clock(world.now);
    while replica.acts() {
        let at = replica.seen.map_or(0, |(_, at)| at);
        replica.place = match replica.place {
            Place::Rest => {
                if !sees_no_change(replica) || at == now {
                    return;
                }
                (replica.read.since, replica.has_written) = (now, false);
                replica.seen = Some((replica.read, now));
                Place::Issue
            }
            Place::Read(_) => return,
            Place::Issue => {
                if machine.answer(world, replica, now).is_some_and(|answer| answer.certificate.is_some()) {
                    return;
                }
                Place::Write(0)
            }
            Place::Write(all) if all == machine.setup.configurations && replica.has_written => Place::Rest,
            Place::Write(all) if all == machine.setup.configurations => Place::Amend,
            Place::Write(configuration) => {
                let Some(answer) = machine.answer(world, replica, at) else { return };
                let (bundles, unknown_cas) = answer.wanted[configuration];
                if bundles != [0; 2] && bundles != replica.read.configurations[configuration] {
                    return;
                }
                replica.unknown_cas = unknown_cas;
                Place::Write(configuration + 1)
            }
            Place::Amend => {
                if machine.answer(world, replica, at).is_some_and(|answer| answer.change.is_some()) {
                    return;
                }
                Place::Rest
            }
        };
    }
}

/// The time is another one, or a replica is awake again: even what it has just seen may now make something due.
pub(crate) fn look(world: &mut World, machine: &mut Machine, index: usize) {
    let mut replica = world.replicas[index];
    let has_just_seen = replica.seen.is_some_and(|(_, at)| at == replica.clock(world.now));
    if has_just_seen && sees_no_change(&replica) {
        (replica.place, replica.has_written) = (Place::Issue, false);
    }
    go_on(world, machine, &mut replica);
    world.replicas[index] = replica;
}

fn sees_no_change(replica: &Replica) -> bool {
    let is_at_rest = replica.acts() && replica.place == Place::Rest;
    is_at_rest && replica.reach == Reach::Everything && !replica.is_current.contains(&false)
}

pub(crate) fn tick(world: &World, machine: &mut Machine) -> World {
    let setup = machine.setup;
    let mut after = World { now: world.now + 1, writes: 0, ..*world };
    for id in (0..FOREIGN).filter(|id| setup.is_trusted(world, *id)) {
        let held = &mut after.held[usize::from(id)];
        *held = (setup.propagation_delay + setup.skew).min(*held + 1);
    }
    (0..setup.replicas).for_each(|index| look(&mut after, machine, index));
    after
}
