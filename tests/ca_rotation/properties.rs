//! What must be so in every world, and of every step.

use crate::machine::Machine;
use crate::world::{CaSet, Choice, FOREIGN, Reach, ServingCertificate, Step, World, has};

/// More than replicas ever have to write before the clock moves.
const WRITES: u8 = 20;

/// The law that is broken by a step or the world it leads to.
pub(crate) fn broken(before: &World, step: Step, after: &World, machine: &Machine) -> Option<&'static str> {
    let of_step = match step {
        Step::WriteBundles(index, _) => dropped(before, index, after, machine),
        Step::Issue(index) => issued(before, index, after, machine),
        _ => None,
    };
    of_step.or_else(|| world(after, machine))
}

/// Leaves that end within what clocks are apart are left out of the laws: who takes them for valid is right by luck.
fn leaves(world: &World, machine: &Machine) -> impl Iterator<Item = ServingCertificate> {
    world.leaves(world.now + machine.setup.skew)
}

fn world(world: &World, machine: &Machine) -> Option<&'static str> {
    let setup = &machine.setup;
    let is_untrusted = |certificate: ServingCertificate| {
        certificate.choice == Choice::Deliberate && !setup.is_trusted(world, certificate.issuer)
    };
    if leaves(world, machine).any(is_untrusted) {
        return Some("I1: a leaf is shown of a CA that an entry lacks");
    }
    if world.writes > WRITES {
        return Some("I6: replicas write without end");
    }
    // what has ended is in nobody's way, and is retired next
    let (is_left_alone, ended) = (world.deeds == setup.deeds, world.ended(world.now));
    let mut bundles = world.configurations.as_flattened().iter();
    if is_left_alone && bundles.any(|bundle| (bundle & !ended).count_ones() > 3) {
        return Some("an entry holds more than three CAs that are valid");
    }
    let cas = machine.cas(world.secret) & !ended;
    (cas.count_ones() > 2).then_some("the Secret holds more than two CAs that are valid")
}

fn issued(before: &World, index: usize, after: &World, machine: &Machine) -> Option<&'static str> {
    let (setup, replica) = (&machine.setup, &before.replicas[index]);
    let (certificate, now) = (after.replicas[index].certificate?, replica.clock(before.now));
    let end = before.ends[usize::from(certificate.issuer)];
    if certificate.not_after <= now || certificate.not_after > end {
        return Some("I4: a leaf is taken that is not valid, or for longer than its CA");
    }
    // what is renewed is no worse than what was shown until now
    let other =
        replica.certificate.filter(|shown| shown.not_after > now).map(|shown| shown.issuer != certificate.issuer);
    if other == Some(true)
        && !replica.seen.is_some_and(|(seen, _)| has(setup.everywhere(seen.configurations), certificate.issuer))
    {
        return Some("I1: a leaf is taken of a CA that was not seen in every entry");
    }
    let must_be_held = certificate.choice == Choice::Deliberate && other != Some(false);
    (must_be_held && !setup.is_held(before, certificate.issuer))
        .then_some("I1: a leaf is taken of a CA that was not in every entry for the hold")
}

fn dropped(before: &World, index: usize, after: &World, machine: &Machine) -> Option<&'static str> {
    let replica = &before.replicas[index];
    let (seen, at) = replica.seen?;
    let ended = before.ended(at);
    let is_known = machine.cas(seen.secret) & !ended != 0;
    let old = before.configurations.as_flattened().iter();
    for (old, new) in old.zip(after.configurations.as_flattened()) {
        let dropped: CaSet = old & !new;
        // an entry that holds none but ended CAs is as good as an empty one
        let is_emptied = old & !ended != 0 && new & !ended == 0;
        if is_emptied || (dropped & !ended != 0 && !is_known) {
            return Some("I3: an entry is emptied, or loses a CA while none is known");
        }
        // who had not seen the CAs for longer than the margin, and showed nothing, had nothing to lose
        let mut shown = leaves(before, machine).filter(|certificate| certificate.choice != Choice::Late);
        if shown.any(|certificate| has(dropped, certificate.issuer)) {
            return Some("I2: a CA leaves an entry while a leaf of it is shown");
        }
    }
    None
}

/// Why a world in which nobody has anything left to do, and in which nothing is wrong any more, is not as it should be.
pub(crate) fn unsettled(world: &World, machine: &Machine) -> Option<&'static str> {
    let (setup, everywhere) = (&machine.setup, machine.setup.everywhere(world.configurations));
    let cas = machine.cas(world.secret);
    if cas & !world.ended(world.now) == 0 {
        return Some("I6: no CA is valid");
    }
    if cas & !everywhere != 0 {
        return Some("I6: a CA is not in every entry");
    }
    let trusted = world.leaves(world.now).filter(|certificate| has(everywhere, certificate.issuer)).count();
    (trusted < setup.replicas).then_some("I6: a replica shows no leaf that is trusted")
}

/// Why a world is not as it should be after longer than a CA may be unknown.
pub(crate) fn unforgotten(world: &World) -> Option<&'static str> {
    let mut bundles = world.configurations.as_flattened().iter();
    bundles.any(|bundle| has(*bundle, FOREIGN)).then_some("I6: a CA that nobody knows stays in an entry")
}

/// The world without anything that is wrong: everybody runs, reaches everything and has the right time.
pub(crate) fn mended(world: &World, machine: &Machine) -> World {
    let mut mended = World { failures: 0, deeds: 0, writes: 0, ..*world };
    for replica in mended.replicas.iter_mut().take(machine.setup.replicas) {
        (replica.is_up, replica.reach, replica.skew) = (true, Reach::Everything, 0);
    }
    mended
}
