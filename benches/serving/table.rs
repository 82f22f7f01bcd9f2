//! The figures as tables of Markdown, which a terminal shows just as well.

use crate::child::{Kind, Memory};
use crate::figures::{Measurement, Series};
use crate::options::Options;
use crate::pinning::Pinning;
use crate::trial::{Results, Trial};
use std::fmt::Write;

/// Everything.
pub(crate) fn told(results: &Results, pinning: &Pinning, options: &Options) -> String {
    let mut text = method(pinning, options);
    text.push_str(&aligned(&costs(&results.cases)));
    text.push_str("\nLatency in µs, as p50 / p99 / p99.9, counted from when a request was to be sent:\n\n");
    text.push_str(&aligned(&latencies(&results.cases)));
    text.push_str(&handshakes(&results.handshakes));
    text
}

fn method(pinning: &Pinning, options: &Options) -> String {
    format!(
        "{} turns of {} s each: A, B, ours, A, B, ours …; {}. A answers without a look at the body, B parses it into a \
         `serde_json::Value`; both on the same TLS, HTTP and runtime as ours, on the C library's allocator, without limits and \
         log. Ours writes its log, an event for each review that something is said of, to a file.\n\
         Figures are medians of the turns, ratios are of neighbouring turns: median (least–most). CPU is all threads' user and \
         system time, in nanoseconds of `schedstat`, under 8 connections without a pause.\n\
         Ratios compare reviews per second of CPU: more than 1 is more than the floor's.\n\n",
        options.alternations,
        options.seconds,
        pinning.told()
    )
}

fn costs(trials: &[Trial]) -> Vec<Vec<String>> {
    let head = [
        "review",
        "kB",
        "ours, CPU µs",
        "A",
        "B",
        "load",
        "ours, reviews per CPU s",
        "ours : A",
        "ours : B",
        "ours, MiB (most)",
        "A",
        "B",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for Trial { case, cost, memory, .. } in trials {
        let microseconds = |kind| format!("{:.1}", cost.figure(kind, Measurement::cost).median);
        let [constant, value, ours] = memory.map(mebibytes);
        rows.push(vec![
            case.told.to_owned(),
            kilobytes(case.body().len()),
            microseconds(Kind::Ours),
            microseconds(Kind::Constant),
            microseconds(Kind::Value),
            format!("{:.1}", cost.figure(Kind::Constant, Measurement::cost_of_load).median),
            format!("{:.0}", cost.figure(Kind::Ours, Measurement::capacity).median),
            cost.ours_to(Kind::Constant, Measurement::capacity).to_string(),
            cost.ours_to(Kind::Value, Measurement::capacity).to_string(),
            ours,
            constant,
            value,
        ]);
    }
    rows
}

fn latencies(trials: &[Trial]) -> Vec<Vec<String>> {
    let head = ["review", "load", "answers/s: ours, A, B", "ours", "A", "B", "p99, ours : A", "p99, ours : B"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for Trial { case, cost, loads, .. } in trials {
        for series in [cost].into_iter().chain(loads) {
            let rate = |kind| series.figure(kind, Measurement::rate).median;
            let p99 = |floor| series.ours_to(floor, |turn| turn.latency(99.0)).to_string();
            rows.push(vec![
                case.told.to_owned(),
                series.load.to_owned(),
                format!("{:.0}, {:.0}, {:.0}", rate(Kind::Ours), rate(Kind::Constant), rate(Kind::Value)),
                percentiles(series, Kind::Ours),
                percentiles(series, Kind::Constant),
                percentiles(series, Kind::Value),
                p99(Kind::Constant),
                p99(Kind::Value),
            ]);
        }
    }
    rows
}

fn percentiles(series: &Series, kind: Kind) -> String {
    [50.0, 99.0, 99.9]
        .map(|percentile| format!("{:.0}", series.figure(kind, |turn| turn.latency(percentile)).median))
        .join(" / ")
}

fn handshakes(series: &Series) -> String {
    let cost = |kind| series.figure(kind, Measurement::cost).median;
    format!(
        "\nA connection with a whole handshake of TLS 1.3, opened and closed, takes {:.0} µs of CPU of ours ({:.0} per CPU s) and \
         {:.0} µs of A's: ours : A {}.\n",
        cost(Kind::Ours),
        series.figure(Kind::Ours, Measurement::capacity).median,
        cost(Kind::Constant),
        series.ours_to(Kind::Constant, Measurement::capacity)
    )
}

#[expect(clippy::cast_precision_loss, reason = "there are no 2^52 bytes")]
fn kilobytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "there are no 2^52 bytes")]
fn mebibytes(memory: Memory) -> String {
    format!("{:.1} ({:.1})", memory.now as f64 / 1024.0, memory.highest as f64 / 1024.0)
}

/// A table with columns as wide as what is in them.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(text, "| {cell:width$} ").unwrap();
        }
        text.push_str("|\n");
        if number == 0 {
            let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
            text.push_str(&format!("|{}|\n", dashes.join("|")));
        }
    }
    text
}
