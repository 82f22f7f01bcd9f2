//! The long measurement, for rare latencies and memory growth.

use crate::case::CASES;
use crate::child::Kind;
use crate::figures::Measurement;
use crate::load::{Load, LoadResult, histogram};
use crate::options::Options;
use crate::trial::{Bench, Servers};
use clap::Parser;
use std::fmt::Write;
use std::time::Duration;

/// Length of a slice. The log is truncated after each slice, so that it does not fill the disk.
const SLICE: Duration = Duration::from_secs(10);
/// Number of slices in a minute and in ten minutes.
const MINUTE: usize = 6;
const TEN_MINUTES: usize = 60;
/// Responses that take longer are counted.
const LONG: Duration = Duration::from_millis(10);

/// Measures each server for a minute at half of its capacity, then the webhook for ten minutes at full capacity, and
/// returns the report.
pub(crate) fn report(bench: &Bench) -> String {
    let case = &CASES[0];
    let servers = bench.start(case);
    let closed = Load::Closed(8);
    let cost = bench.series(&servers, ("8 connections", [closed; 3]), &Options::parse_from(["serving"]));
    let mut text = format!("{}, {}\n", case.label, bench.pinning.label());
    for kind in Kind::ALL {
        let rate = cost.figure(kind, Measurement::capacity).median / 2.0;
        let result = slices(bench, &servers, kind, Load::Open(rate), MINUTE);
        text += &sentence(kind, rate, &result);
    }
    let before = servers.all[Kind::Ours as usize].memory();
    let result = slices(bench, &servers, Kind::Ours, closed, TEN_MINUTES);
    let after = servers.all[Kind::Ours as usize].memory();
    let responses = result.latencies.len();
    writeln!(
        text,
        "Ours, 8 connections for {:.0} s: {responses} responses; {} KiB in RAM before, {} KiB after, {} KiB at most",
        result.elapsed.as_secs_f64(),
        before.now,
        after.now,
        after.highest
    )
    .unwrap();
    text
}

fn slices(bench: &Bench, servers: &Servers, kind: Kind, load: Load, number: usize) -> LoadResult {
    let mut all = LoadResult { latencies: histogram(), elapsed: Duration::ZERO };
    for _ in 0..number {
        let result = bench.turn(servers, kind, load, SLICE).load;
        all.latencies.add(&result.latencies).unwrap();
        all.elapsed += result.elapsed;
    }
    all
}

fn sentence(kind: Kind, rate: f64, result: &LoadResult) -> String {
    let latencies = &result.latencies;
    let late = latencies.count_between(u64::try_from(LONG.as_nanos()).unwrap(), latencies.high());
    let at = |percentile| Duration::from_nanos(latencies.value_at_percentile(percentile));
    format!(
        "{}, {rate:.0} per second for {:.0} s: {} responses, {late} took longer than {LONG:?}; p50 {:?}, p99 {:?}, \
         p99.9 {:?}, {:?} at most\n",
        kind.label(),
        result.elapsed.as_secs_f64(),
        latencies.len(),
        at(50.0),
        at(99.0),
        at(99.9),
        at(100.0)
    )
}
