//! What shows itself only in a long time: rare latencies, and memory that grows.

use crate::case::CASES;
use crate::child::Kind;
use crate::figures::Measurement;
use crate::load::{Level, Load, histogram};
use crate::options::Options;
use crate::trial::{Ensemble, Stage};
use clap::Parser;
use std::fmt::Write;
use std::time::Duration;

/// The log is cut after each, so that it doesn't fill the disk.
const SLICE: Duration = Duration::from_secs(10);
/// Slices of a minute and of ten.
const MINUTE: usize = 6;
const TEN_MINUTES: usize = 60;
/// What nobody should have to wait for.
const LONG: Duration = Duration::from_millis(10);

/// A minute of each server at half of its capacity, then ten minutes of the webhook at the whole of it.
pub(crate) fn told(stage: &Stage) -> String {
    let case = &CASES[0];
    let ensemble = stage.start(case);
    let closed = Load::Closed(8);
    let cost = stage.series(&ensemble, ("8 connections", [closed; 3]), &Options::parse_from(["serving"]));
    let mut text = format!("{}, {}\n", case.told, stage.pinning.told());
    for kind in Kind::ALL {
        let rate = cost.figure(kind, Measurement::capacity).median / 2.0;
        let outcome = slices(stage, (&ensemble, kind), Load::Open(rate), MINUTE);
        text += &sentence(kind, rate, &outcome);
    }
    let before = ensemble.servers[Kind::Ours as usize].memory();
    let outcome = slices(stage, (&ensemble, Kind::Ours), closed, TEN_MINUTES);
    let after = ensemble.servers[Kind::Ours as usize].memory();
    let answers = outcome.latencies.len();
    writeln!(
        text,
        "Ours, 8 connections for {:.0} s: {answers} answers; {} KiB in RAM before and {} KiB after them, {} KiB at most",
        outcome.elapsed.as_secs_f64(),
        before.now,
        after.now,
        after.highest
    )
    .unwrap();
    text
}

fn slices(stage: &Stage, (ensemble, kind): (&Ensemble, Kind), load: Load, number: usize) -> Level {
    let mut all = Level { latencies: histogram(), elapsed: Duration::ZERO };
    for _ in 0..number {
        let outcome = stage.turn((ensemble, kind), load, SLICE).outcome;
        all.latencies.add(&outcome.latencies).unwrap();
        all.elapsed += outcome.elapsed;
    }
    all
}

fn sentence(kind: Kind, rate: f64, outcome: &Level) -> String {
    let latencies = &outcome.latencies;
    let late = latencies.count_between(u64::try_from(LONG.as_nanos()).unwrap(), latencies.high());
    let at = |percentile| Duration::from_nanos(latencies.value_at_percentile(percentile));
    format!(
        "{}, {rate:.0} a second for {:.0} s: {} answers, {late} after more than {LONG:?}; {:?} in the middle, {:?} of 99 \
         in 100, {:?} of 999 in 1000, {:?} at most\n",
        kind.told(),
        outcome.elapsed.as_secs_f64(),
        latencies.len(),
        at(50.0),
        at(99.0),
        at(99.9),
        at(100.0)
    )
}
