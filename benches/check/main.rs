//! Measures `check` over a folder of 10,000 files and over 1,500 gateways in one line of JSON: wall time, CPU time and
//! peak memory; and the same folder with kube-linter, if it is installed. `docs/performance.md` has the figures.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "a benchmark prints its figures")]

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use test_support::generate::folder;
use test_support::measured_command::{HEAD, best_of, is_measuring};

/// Files in the folder.
const FILES: usize = 10_000;
/// Gateways in the line of JSON.
const GATEWAYS: usize = 1_500;
/// Runs of each command.
const RUNS: usize = 5;
/// The checks of kube-linter.
const LINTER_CHECKS: &str = "latest-tag,no-read-only-root-fs,run-as-non-root,unset-cpu-requirements";

fn main() {
    if is_measuring() {
        return;
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
    println!("{HEAD}");
    let check = best_of(runs, &[binary, "check", text(&manifests)]);
    println!("{}", check.row("apim-keyless check FOLDER"));
    let json = best_of(runs, &[binary, "check", "--output", "json", text(&manifests)]);
    println!("{}", json.row("apim-keyless check --output json FOLDER"));
    println!("{}", best_of(runs, &[binary, "check", text(&line)]).row("apim-keyless check LINE"));
    if Command::new("kube-linter").arg("version").stdout(Stdio::null()).status().is_ok() {
        let linter =
            ["kube-linter", "lint", "--do-not-auto-add-defaults", "--include", LINTER_CHECKS, text(&manifests)];
        let linter = best_of(runs, &linter);
        println!("{}", linter.row("kube-linter lint FOLDER"));
        println!("\nkube-linter takes {:.1} times as long.", linter.wall.as_secs_f64() / check.wall.as_secs_f64());
    } else {
        println!("\nkube-linter is not installed, so it is not measured.");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
