//! Checks the CA rotation in every order of steps and failures (explicit-state model checking).
//!
//! The search explores every reachable state of up to three replicas that run the rotation of `src/tls/ca_rotation.rs`.
//! Each replica runs the passes of `src/cluster/certificates/mod.rs` in single steps: read the Secret, read each
//! configuration, issue a certificate, write each configuration, write the Secret. Other replicas can take steps
//! between any two of them, so the data that a replica has read can be outdated. A write is accepted only if nothing
//! changed since the read. Each setup limits how many of the following may happen, at any step and for any time, so
//! that the search ends:
//!
//! - A replica crashes and starts again with nothing remembered.
//! - A replica is suspended in the middle of a pass, and continues there with the data that it had read.
//! - A replica loses access to the Secret, to the configurations, or to both.
//! - The Secret is deleted, or one CA in it is damaged.
//! - A caBundle is emptied, or overwritten with the one of the first day or with a CA that no replica created.
//! - The clock of a replica jumps forwards or back by one tick, and is corrected later.
//!
//! From every state the search also checks that everything settles once no more failures happen
//! (`invariants::unsettled`).
//!
//! Not explored: time passes only when every replica that can has done what is due, so a late replica is a suspended
//! one; at most one clock is wrong; configurations and webhook entries are neither added nor removed; a Secret is never
//! restored from a backup. A CA starts in the tick in which it is created. A real CA starts somewhat earlier, which is
//! easier for wrong clocks.

mod failures;
mod flaws;
mod invariants;
mod model;
mod search;
mod setup;
mod state;
mod steps;

use flaws::Flaw;
use search::{Search, Violation};
use setup::Setup;
use state::{Access, Step};
use std::collections::HashSet;
use std::mem::discriminant;

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
    external_changes: 0,
    damages_secret: false,
    damages_ca_bundles: false,
    skew: 0,
    flaw: None,
};

const ONE: Setup = Setup { name: "one replica", replicas: 1, ..TWO };
const LONG_CA: Setup = Setup { name: "a CA is valid long after its last use", ca: 40, ticks: 44, ..TWO };
const LOST_CAS: Setup = Setup { name: "the CAs are lost", ticks: 12, external_changes: 1, damages_secret: true, ..TWO };
const DAMAGED_CA_BUNDLE: Setup =
    Setup { name: "a caBundle is damaged", ticks: 11, external_changes: 1, damages_ca_bundles: true, ..TWO };
const WRONG_CLOCK: Setup =
    Setup { name: "a clock is wrong", propagation_delay: 2, failures: 0, external_changes: 1, skew: 1, ..TWO };

/// The setups that are searched completely.
const SETUPS: &[Setup] = &[
    ONE,
    TWO,
    LONG_CA,
    LOST_CAS,
    DAMAGED_CA_BUNDLE,
    WRONG_CLOCK,
    Setup { name: "two replicas that fail twice", ticks: 11, failures: 2, ..TWO },
    Setup { name: "two configurations", configurations: 2, ..TWO },
    Setup { name: "three replicas, one of which fails", replicas: 3, ticks: 14, ..TWO },
    Setup { name: "the CAs are lost twice", ticks: 14, failures: 0, external_changes: 2, ..LOST_CAS },
    Setup { name: "a caBundle is damaged twice", ticks: 22, failures: 0, external_changes: 2, ..DAMAGED_CA_BUNDLE },
    Setup { name: "one of two caBundles is damaged", ticks: 32, entries: 2, failures: 0, ..DAMAGED_CA_BUNDLE },
    Setup {
        name: "the CAs are lost and a caBundle is damaged",
        ticks: 9,
        failures: 0,
        external_changes: 2,
        damages_ca_bundles: true,
        ..LOST_CAS
    },
    Setup { name: "a clock is wrong and a replica fails", ticks: 7, failures: 1, ..WRONG_CLOCK },
];

#[test]
fn no_order_of_steps_and_failures_violates_an_invariant() {
    let (mut states, mut cas, mut steps) = (0, 0, HashSet::new());
    for setup in SETUPS {
        let reached =
            Search::run(*setup).unwrap_or_else(|violation| panic!("{}\n{}", violation.invariant, violation.trace));
        println!("{}: {} states, {} CAs", setup.name, reached.states, reached.cas);
        states += reached.states;
        cas = cas.max(reached.cas);
        steps.extend(reached.steps);
    }
    println!("{states} states in {} setups", SETUPS.len());
    assert!(states >= 1_000_000 && cas >= 3, "{states} states, {cas} CAs");
    let missing: Vec<&Step> = STEPS.iter().filter(|step| !steps.contains(&discriminant(*step))).collect();
    assert!(missing.is_empty(), "{missing:?} never happened");
}

/// One step of each kind.
const STEPS: &[Step] = &[
    Step::Tick,
    Step::ReadSecret(0),
    Step::ReadConfiguration(0, 0),
    Step::FailToRead(0),
    Step::Issue(0),
    Step::WriteCaBundles(0, 0),
    Step::FailToWrite(0),
    Step::Conflict(0),
    Step::Add(0),
    Step::Trust(0),
    Step::Retire(0),
    Step::Crash(0),
    Step::Start(0),
    Step::LoseAccess(0, Access::Nothing),
    Step::Recover(0),
    Step::SkewClock(0, 1),
    Step::SetClock(0),
    Step::DeleteSecret,
    Step::DamageCa(0),
    Step::DamageCaBundle(0, 0, 0),
];

#[test]
fn a_wrong_rotation_violates_the_expected_invariant() {
    for (flaw, setup, invariant) in [
        (Flaw::NoPropagationDelay, TWO, "I1: a certificate is issued"),
        (Flaw::EarlyTrust, ONE, "I1: a certificate is issued"),
        (
            Flaw::EarlyIssue,
            Setup { ca: 8, ..DAMAGED_CA_BUNDLE },
            "I1: a certificate is issued by a CA that the replica did not see",
        ),
        (Flaw::EarlyRetirement, TWO, "I2"),
        (Flaw::StaleRenewal, LONG_CA, "I2"),
        (Flaw::DropUnknownAtOnce, LOST_CAS, "I2"),
        (Flaw::DropUnknownWithoutCas, LOST_CAS, "I3"),
        (Flaw::NoMemory, DAMAGED_CA_BUNDLE, "I6: an unknown CA"),
        (Flaw::NoRotation, TWO, "I6"),
        (Flaw::EndlessAdding, TWO, "the Secret"),
        (Flaw::LongCertificates, TWO, "I4"),
        (Flaw::DropExpiredEarly, WRONG_CLOCK, "I6: replicas write"),
        (Flaw::Flapping, TWO, "I6: replicas write"),
    ] {
        let Err(violation) = Search::run(Setup { flaw: Some(flaw), ..setup }) else {
            panic!("{flaw:?} violates no invariant")
        };
        let Violation { invariant: violated, trace } = violation;
        assert!(violated.starts_with(invariant), "{flaw:?} violates another invariant: {violated}\n{trace}");
    }
}
