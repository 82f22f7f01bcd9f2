//! Searches the most expensive review: the one that takes the most CPU time compared with parsing the same bytes into a
//! `serde_json::Value`, and the one that takes the most memory per byte. `docs/performance.md` has the results.
//!
//! Cargo passes `--bench` to a benchmark. Without it this is a test that tries each part of a shape once, without figures.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints its table and its progress")]

mod callers;
mod cost;
mod options;
mod search;
mod table;
mod trial;

use clap::Parser;
use libtest_mimic::{Arguments, Trial};
use mimalloc::MiMalloc;
use options::Options;
use std::env;
use std::process::ExitCode;
use test_support::worst_case::{PARTS, Shape};

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [name, related, memory, seconds] if name == trial::ARGUMENT => {
            trial::measure(related.parse().unwrap(), [memory, seconds].map(|limit| limit.parse().unwrap()));
        }
        _ if arguments.iter().any(|argument| argument == "--bench") => measure(&Options::parse()),
        _ => return test(),
    }
    ExitCode::SUCCESS
}

/// Prints the costs of one shape, or searches and prints the worst.
fn measure(options: &Options) {
    let costs = match &options.shape {
        Some(shape) => vec![search::at_full_length(shape)],
        None => search::worst(options),
    };
    let mut text = table::table(&costs);
    if options.callers > 0 {
        let bodies: Vec<Vec<u8>> = costs.iter().take(options.callers).map(|cost| cost.shape.body()).collect();
        text += &callers::sentence(&bodies, options.callers);
    }
    print!("{text}");
    if options.write {
        table::write(&text);
    }
}

/// Tries a review of each part, without figures.
fn test() -> ExitCode {
    let trial = Trial::test("a_review_of_each_part_is_answered", || {
        for (part, kind) in PARTS.iter().filter_map(|part| Some((part, *part.kinds().first()?))) {
            let shape = Shape { bytes: 1000, ..Shape::of(kind, &[part]) };
            let measured =
                trial::run(shape.related, &shape.body(), trial::SEARCH).ok_or(format!("no figures of {shape}"))?;
            assert!(measured.endpoints.iter().all(|endpoint| endpoint.status == 200), "{shape}: {measured:?}");
        }
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}
