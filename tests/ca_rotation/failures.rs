//! What befalls replicas, and what somebody else does to the Secret and to the bundles.

use crate::machine::Machine;
use crate::steps::{forget_held, look};
use crate::world::{Bundles, FOREIGN, Place, Reach, Replica, Step, World};

/// Every failure that may come now, and every end of one.
pub(crate) fn failures(world: &World, machine: &mut Machine) -> Vec<(Step, World)> {
    let mut failures = Vec::new();
    for (index, replica) in world.replicas.iter().enumerate().take(machine.setup.replicas) {
        failures.extend(ends(index, replica).map(|(step, changed)| {
            let mut after = world.with(index, changed);
            look(&mut after, machine, index);
            (step, after)
        }));
        if world.failures > 0 && replica.is_up {
            let failed = befalls(index, replica);
            failures.extend(
                failed.map(|(step, changed)| {
                    (step, World { failures: world.failures - 1, ..world.with(index, changed) })
                }),
            );
        }
    }
    failures
}

fn ends(index: usize, replica: &Replica) -> impl Iterator<Item = (Step, Replica)> {
    let replica = *replica;
    let start = (Step::Start(index), Replica { is_up: true, ..replica });
    let recover = (Step::Recover(index), Replica { reach: Reach::Everything, ..replica });
    let set = (Step::SetClock(index), Replica { skew: 0, ..replica });
    [(!replica.is_up, start), (replica.reach != Reach::Everything, recover), (replica.skew != 0, set)]
        .into_iter()
        .filter_map(|(is_so, end)| is_so.then_some(end))
}

/// A look that can't read one of both is given up, so at rest it is all the same what can't be read.
fn befalls(index: usize, replica: &Replica) -> impl Iterator<Item = (Step, Replica)> {
    let replica = *replica;
    let crash = (Step::Crash(index), Replica { skew: replica.skew, ..Replica::default() });
    let is_whole = |reach: &Reach| replica.place != Place::Rest || matches!(reach, Reach::Nothing | Reach::Asleep);
    let losses = [Reach::Secret, Reach::Configurations, Reach::Nothing, Reach::Asleep].into_iter().filter(is_whole);
    let losses: Vec<Reach> = losses.filter(|_| replica.reach == Reach::Everything).collect();
    let lose = move |reach| (Step::Lose(index, reach), Replica { reach, ..replica });
    losses.into_iter().map(lose).chain([crash])
}

/// Every deed of others that may come now.
pub(crate) fn deeds(world: &World, machine: &mut Machine) -> Vec<(Step, World)> {
    if world.deeds == 0 {
        return Vec::new();
    }
    let world = &World { deeds: world.deeds - 1, ..*world };
    let mut deeds = skews(world, machine);
    if machine.setup.destroys {
        deeds.extend(losses(world, machine));
    }
    if machine.setup.tampers {
        deeds.extend(damages(world, machine));
    }
    deeds
}

fn losses(world: &World, machine: &mut Machine) -> Vec<(Step, World)> {
    let cas = machine.cas(world.secret);
    let lost = (0..FOREIGN).filter(|id| cas & (1 << id) != 0 && cas.count_ones() > 1);
    let mut secrets: Vec<(Step, u16)> =
        lost.map(|id| (Step::LoseAuthority(id), machine.without(world.secret, id))).collect();
    if cas != 0 {
        secrets.push((Step::DestroySecret, 0));
    }
    let after = |(step, secret)| {
        let mut after = *world;
        after.set_secret(secret);
        (step, after)
    };
    secrets.into_iter().map(after).collect()
}

/// An entry is wiped, or overwritten: with the bundle of the first day, or with a CA of somebody else.
fn damages(world: &World, machine: &Machine) -> Vec<(Step, World)> {
    let (configurations, entries) = (machine.setup.configurations, machine.setup.entries);
    let places = (0..configurations).flat_map(|configuration| (0..entries).map(move |entry| (configuration, entry)));
    let changes = places.flat_map(|place| [0, 1, 1 << FOREIGN].map(|bundle| (place, bundle)));
    let changes = changes.filter(|((configuration, entry), bundle)| {
        world.configurations[*configuration][*entry] != *bundle && (world.made > 0 || *bundle != 1)
    });
    let after = |((configuration, entry), bundle)| {
        let mut bundles: Bundles = world.configurations[configuration];
        bundles[entry] = bundle;
        let (mut after, before) = (*world, machine.setup.everywhere(world.configurations));
        after.set_bundles(configuration, bundles);
        let everywhere = machine.setup.everywhere(after.configurations);
        after.damaged = (world.damaged | before) & !everywhere;
        forget_held(&mut after, everywhere);
        (Step::Tamper(configuration, entry, bundle), after)
    };
    changes.map(after).collect()
}

fn skews(world: &World, machine: &mut Machine) -> Vec<(Step, World)> {
    let skew = i8::try_from(machine.setup.skew).unwrap();
    let is_apart = world.replicas.iter().any(|replica| replica.skew != 0);
    let replicas = world.replicas.iter().enumerate().filter(|(_, replica)| !is_apart && skew != 0 && replica.acts());
    let skewed = replicas.flat_map(|(index, replica)| [skew, -skew].map(|skew| (index, Replica { skew, ..*replica })));
    let after = |(index, replica): (usize, Replica)| {
        let mut after = world.with(index, replica);
        look(&mut after, machine, index);
        (Step::SkewClock(index, replica.skew), after)
    };
    skewed.map(after).collect()
}
