//! Measures `check` over a folder of 10,000 files and over 1,500 gateways in one line of JSON: wall time, CPU time and
//! peak memory; and the same folder with kube-linter, if it is installed. `docs/performance.md` has the figures.
//!
//! Each command runs in a process of its own that measures its child, because the peak memory of several children cannot
//! be told apart.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(clippy::print_stdout, clippy::panic, clippy::indexing_slicing, reason = "a benchmark prints its figures")]

use nix::sys::resource::{UsageWho, getrusage};
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use test_support::generate::folder;

/// Files in the folder.
const FILES: usize = 10_000;
/// Gateways in the line of JSON.
const GATEWAYS: usize = 1_500;
/// Runs of each command; the fastest counts, because other work on the machine only adds time.
const RUNS: usize = 5;
/// Tells this program to measure a command. It is an environment variable because cargo adds arguments of its own.
const MEASURE: &str = "APIM_KEYLESS_MEASURE";
/// The checks of kube-linter.
const LINTER_CHECKS: &str = "latest-tag,no-read-only-root-fs,run-as-non-root,unset-cpu-requirements";

fn main() {
    if env::var_os(MEASURE).is_some() {
        return measure_child();
    }
    let is_test = env::args().any(|argument| argument == "--test");
    let (files, gateways, runs) = if is_test { (300, 20, 1) } else { (FILES, GATEWAYS, RUNS) };
    let input = tempfile::tempdir().unwrap();
    let manifests = input.path().join("manifests");
    let bytes = folder::write(&manifests, files);
    let line = input.path().join("gateways.json");
    fs::write(&line, folder::one_line(gateways)).unwrap();
    let binary = env!("CARGO_BIN_EXE_apim-keyless");
    let line_bytes = fs::metadata(&line).unwrap().len();
    println!(
        "{files} files of {} kB in all; {gateways} gateways in a line of {} kB\n",
        bytes / 1000,
        line_bytes / 1000
    );
    println!("| command | wall, s | CPU, s | peak memory, MiB |\n|---|---|---|---|");
    let check = best(runs, &[binary, "check", text(&manifests)]);
    check.print("apim-keyless check FOLDER");
    best(runs, &[binary, "check", "--output", "json", text(&manifests)])
        .print("apim-keyless check --output json FOLDER");
    best(runs, &[binary, "check", text(&line)]).print("apim-keyless check LINE");
    if Command::new("kube-linter").arg("version").stdout(Stdio::null()).status().is_ok() {
        let linter =
            ["kube-linter", "lint", "--do-not-auto-add-defaults", "--include", LINTER_CHECKS, text(&manifests)];
        let linter = best(runs, &linter);
        linter.print("kube-linter lint FOLDER");
        println!("\nkube-linter takes {:.1} times as long.", linter.wall.as_secs_f64() / check.wall.as_secs_f64());
    } else {
        println!("\nkube-linter is not installed, so it is not measured.");
    }
}

/// What a command used.
struct Used {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

impl Used {
    fn print(&self, command: &str) {
        let (wall, cpu) = (self.wall.as_secs_f64(), self.cpu.as_secs_f64());
        println!("| `{command}` | {wall:.2} | {cpu:.2} | {} |", self.peak_kib.div_ceil(1024));
    }
}

/// The fastest of several runs, with the highest peak of them.
fn best(runs: usize, command: &[&str]) -> Used {
    let mut all: Vec<Used> = (0..runs).map(|_| measured(command)).collect();
    let peak_kib = all.iter().map(|used| used.peak_kib).max().unwrap();
    all.sort_by_key(|used| used.wall);
    Used { peak_kib, ..all.remove(0) }
}

fn measured(command: &[&str]) -> Used {
    let output = Command::new(env::current_exe().unwrap()).env(MEASURE, command.join("\n")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [wall, cpu, peak_kib] = numbers[..] else { panic!("{command:?}: {text}") };
    Used { wall: Duration::from_micros(wall), cpu: Duration::from_micros(cpu), peak_kib }
}

/// Runs the command and prints microseconds of wall time and of CPU time, and the peak memory in KiB.
fn measure_child() {
    let command = env::var(MEASURE).unwrap();
    let words: Vec<&str> = command.split('\n').collect();
    let start = Instant::now();
    let status = Command::new(words[0])
        .args(&words[1..])
        .env_remove(MEASURE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let wall = start.elapsed();
    // 1: findings, as expected; anything else did not measure the whole
    assert!(status.code().is_some(), "{command} was killed");
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = [used.user_time(), used.system_time()].map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    println!("{} {} {}", wall.as_micros(), cpu.iter().sum::<i64>(), used.max_rss());
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
