//! Prints the figures as Markdown tables, aligned for a terminal.

use crate::child::{Kind, Memory};
use crate::figures::{Measurement, Series};
use crate::options::Options;
use crate::pinning::Pinning;
use crate::trial::{Results, Trial};
use std::fmt::Write;

/// The whole report.
pub(crate) fn report(results: &Results, pinning: &Pinning, options: &Options) -> String {
    let mut text = method(pinning, options);
    text.push_str(&aligned(&costs(&results.cases)));
    text.push_str("\nLatency in µs, as p50 / p99 / p99.9, measured from the time when a request was planned:\n\n");
    text.push_str(&aligned(&latencies(&results.cases)));
    text.push_str(&handshakes(&results.handshakes));
    text
}

fn method(pinning: &Pinning, options: &Options) -> String {
    let text = format!(
        "{} turns of {} s each: A, B, ours, A, B, ours …; {}. A answers without reading the body. B parses it into a \
         `serde_json::Value`. Both use the same TLS, HTTP and runtime as ours, with the C library's allocator, \
         without limits and log. Ours writes its log, one event for each review with a finding, to a file. Figures \
         are medians of the turns. Ratios compare neighboring turns: median (least–most). CPU is the user and system \
         time of all threads, in nanoseconds of `schedstat`, under 8 connections without a pause. Ratios compare \
         reviews per second of CPU: more than 1 is more than the floor.",
        options.alternations,
        options.seconds,
        pinning.label()
    );
    wrapped(&text) + "\n"
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
            case.label.to_owned(),
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
    let head = ["review", "load", "responses/s: ours, A, B", "ours", "A", "B", "p99, ours : A", "p99, ours : B"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for Trial { case, cost, loads, .. } in trials {
        for series in [cost].into_iter().chain(loads) {
            let rate = |kind| series.figure(kind, Measurement::rate).median;
            let p99 = |floor| series.ours_to(floor, |turn| turn.latency(99.0)).to_string();
            rows.push(vec![
                case.label.to_owned(),
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
    let text = format!(
        "A connection with a full TLS 1.3 handshake, opened and closed, takes {:.0} µs of CPU with ours \
         ({:.0} per CPU s) and {:.0} µs with A. Ours : A {}.",
        cost(Kind::Ours),
        series.figure(Kind::Ours, Measurement::capacity).median,
        cost(Kind::Constant),
        series.ours_to(Kind::Constant, Measurement::capacity)
    );
    format!("\n{}", wrapped(&text))
}

/// The text in lines of at most 120 characters.
fn wrapped(text: &str) -> String {
    let (mut lines, mut length) = (String::new(), 0);
    for word in text.split(' ') {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > 120 {
            lines.push('\n');
            length = 0;
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += word_length;
    }
    lines + "\n"
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 bytes")]
fn kilobytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 bytes")]
fn mebibytes(memory: Memory) -> String {
    format!("{:.1} ({:.1})", memory.now as f64 / 1024.0, memory.highest as f64 / 1024.0)
}

/// A Markdown table whose columns are as wide as their longest cell.
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
