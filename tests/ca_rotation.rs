//! Every order in which replicas may do what is due to their CAs, and in which they may be disturbed.
//!
//! What is explored: the succession of `src/tls/succession.rs` in worlds of up to three replicas, each of which goes
//! through the looks of `src/cluster/trust.rs` in single steps: the Secret is read, each configuration is read, a leaf is
//! taken, each configuration is written, the Secret is written. Between any two of them others may take theirs, so what was
//! read may be old. A write is accepted only over what it was made up from. In each setup so many disturbances may come, at
//! any step and for any time, and no more, so that there is an end:
//!
//! - a replica crashes, and starts with nothing remembered; it falls asleep in the middle of a look, and goes on there with
//!   what it saw; it is cut off from the Secret, from the configurations, or from both;
//! - the Secret is deleted, or one CA in it spoilt; a bundle is wiped, or overwritten with that of the first day or with a
//!   CA of somebody else; the clock of a replica jumps forwards or back by one tick, and is set right.
//!
//! From every world, too, it is followed how things settle once nothing is wrong any more (`properties::unsettled`).
//!
//! What isn't explored: time passes only when every replica that can has done what is due, so that one that is late is one
//! that is asleep; of two clocks one is right; configurations and their entries neither come nor go; a Secret is never put
//! back from a backup. A CA begins in the tick in which it is made, not somewhat earlier as a real one, which clocks that are
//! apart find harder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells how much it saw"
)]

#[path = "ca_rotation/failures.rs"]
mod failures;
#[path = "ca_rotation/flaws.rs"]
mod flaws;
#[path = "ca_rotation/machine.rs"]
mod machine;
#[path = "ca_rotation/properties.rs"]
mod properties;
#[path = "ca_rotation/search.rs"]
mod search;
#[path = "ca_rotation/setup.rs"]
mod setup;
#[path = "ca_rotation/steps.rs"]
mod steps;
#[path = "ca_rotation/world.rs"]
mod world;

use flaws::Flaw;
use search::Search;
use setup::Setup;
use std::collections::HashSet;
use std::mem::discriminant;
use world::{Reach, Step};

const TWO: Setup = Setup {
    name: "two replicas, one of which fails",
    ca: 20,
    certificate: 4,
    propagation_delay: 1,
    ca_overlap: 4,
    ticks: 32,
    replicas: 2,
    configurations: 1,
    entries: 1,
    failures: 1,
    deeds: 0,
    destroys: false,
    tampers: false,
    skew: 0,
    flaw: None,
};

const ALONE: Setup = Setup { name: "one replica", replicas: 1, ..TWO };
const OUTLIVED: Setup = Setup { name: "a CA is valid long after its use", ca: 40, ticks: 44, ..TWO };
const LOST: Setup = Setup { name: "the CAs are lost", ticks: 12, deeds: 1, destroys: true, ..TWO };
const DAMAGED: Setup = Setup { name: "a bundle is damaged", ticks: 11, deeds: 1, tampers: true, ..TWO };
const APART: Setup = Setup { name: "clocks are apart", propagation_delay: 2, failures: 0, deeds: 1, skew: 1, ..TWO };

/// What is searched whole.
const SETUPS: &[Setup] = &[
    ALONE,
    TWO,
    OUTLIVED,
    LOST,
    DAMAGED,
    APART,
    Setup { name: "two replicas that fail twice", ticks: 11, failures: 2, ..TWO },
    Setup { name: "two configurations", configurations: 2, ..TWO },
    Setup { name: "three replicas, one of which fails", replicas: 3, ticks: 14, ..TWO },
    Setup { name: "the CAs are lost twice", ticks: 14, failures: 0, deeds: 2, ..LOST },
    Setup { name: "a bundle is damaged twice", ticks: 22, failures: 0, deeds: 2, ..DAMAGED },
    Setup { name: "one of two entries is damaged", ticks: 32, entries: 2, failures: 0, ..DAMAGED },
    Setup { name: "CAs are lost, a bundle is damaged", ticks: 9, failures: 0, deeds: 2, tampers: true, ..LOST },
    Setup { name: "clocks are apart, and a replica fails", ticks: 7, failures: 1, ..APART },
];

#[test]
fn no_order_of_steps_and_failures_breaks_a_law() {
    let (mut worlds, mut cas, mut steps) = (0, 0, HashSet::new());
    for setup in SETUPS {
        let reached = Search::run(*setup).unwrap_or_else(|broken| panic!("{}\n{}", broken.law, broken.way));
        println!("{}: {} worlds, {} CAs", setup.name, reached.worlds, reached.cas);
        worlds += reached.worlds;
        cas = cas.max(reached.cas);
        steps.extend(reached.steps);
    }
    println!("{worlds} worlds in {} setups", SETUPS.len());
    assert!(worlds >= 1_000_000 && cas >= 3, "{worlds} worlds, {cas} CAs");
    let untaken: Vec<&Step> = STEPS.iter().filter(|step| !steps.contains(&discriminant(*step))).collect();
    assert!(untaken.is_empty(), "{untaken:?} never happened");
}

/// One of each kind.
const STEPS: &[Step] = &[
    Step::Tick,
    Step::ReadSecret(0),
    Step::ReadConfiguration(0, 0),
    Step::FailToRead(0),
    Step::Issue(0),
    Step::WriteBundles(0, 0),
    Step::FailToWrite(0),
    Step::ComeTooLate(0),
    Step::Add(0),
    Step::Trust(0),
    Step::Retire(0),
    Step::Crash(0),
    Step::Start(0),
    Step::Lose(0, Reach::Nothing),
    Step::Recover(0),
    Step::SkewClock(0, 1),
    Step::SetClock(0),
    Step::DestroySecret,
    Step::LoseAuthority(0),
    Step::Tamper(0, 0, 0),
];

#[test]
fn a_succession_that_is_wrong_breaks_the_law_that_it_ought_to() {
    for (flaw, setup, law) in [
        (Flaw::NoHold, TWO, "I1: a leaf is taken"),
        (Flaw::EarlyTrust, ALONE, "I1: a leaf is taken"),
        (Flaw::EarlyIssue, Setup { ca: 8, ..DAMAGED }, "I1: a leaf is taken of a CA that was not seen"),
        (Flaw::EarlyRetirement, TWO, "I2"),
        (Flaw::StaleRenewal, OUTLIVED, "I2"),
        (Flaw::NoStrangers, LOST, "I2"),
        (Flaw::BlindShrinking, LOST, "I3"),
        (Flaw::NoMemory, DAMAGED, "I6: a CA that nobody knows"),
        (Flaw::NeverSucceeded, TWO, "I6"),
        (Flaw::Hoarding, TWO, "the Secret"),
        (Flaw::LongLeaves, TWO, "I4"),
        (Flaw::EarlyEnd, APART, "I6: replicas write"),
        (Flaw::Flicker, TWO, "I6: replicas write"),
    ] {
        let Err(broken) = Search::run(Setup { flaw: Some(flaw), ..setup }) else { panic!("{flaw:?} breaks no law") };
        assert!(broken.law.starts_with(law), "{flaw:?} breaks another law: {}\n{}", broken.law, broken.way);
    }
}
