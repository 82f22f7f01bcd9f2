//! Measures the cost of a served review: over TLS and HTTP/1.1, pinned to a core, compared with two floors that
//! evaluate nothing. `docs/performance.md` has the figures and explains them.
//!
//! Cargo passes `--bench` to a benchmark. Without it this is a test that sends every case to every server once, without
//! figures.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(clippy::indexing_slicing, reason = "indexing a serde_json::Value returns null, and there are three servers")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints its table and its progress")]

mod case;
mod child;
mod figures;
mod floor;
mod load;
mod long;
mod options;
mod page;
mod pinning;
mod table;
mod trial;

use clap::Parser;
use floor::Floor;
use options::Options;
use pinning::Pinning;
use std::env;
use std::path::Path;
use trial::Bench;

fn main() {
    let owned: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
    match arguments[..] {
        [name, certificates] if Floor::named(name).is_some() => {
            Floor::named(name).unwrap().serve(Path::new(certificates));
        }
        _ if arguments.contains(&"--bench") => measure(&Options::parse()),
        _ if is_selected(&arguments) => test(),
        _ => {}
    }
}

fn measure(options: &Options) {
    let bench = Bench::new(Pinning::of_this_process());
    if options.long {
        return print!("{}", long::report(&bench));
    }
    let text = table::report(&trial::trials(&bench, options), &bench.pinning, options);
    print!("{text}");
    if options.write {
        page::write(&text);
    }
}

/// Sends every case to every server under every load, and verifies that the table has all cases.
fn test() {
    let options = Options { alternations: 1, seconds: 0.02, ..Options::parse_from(["serving"]) };
    let bench = Bench::new(Pinning::None("a test"));
    let results = trial::trials(&bench, &options);
    let text = table::report(&results, &bench.pinning, &options);
    assert_eq!(results.cases.len(), case::CASES.len());
    for case in case::CASES {
        assert!(text.contains(case.label), "{} is not in the table", case.name);
    }
    println!("serving: {} cases have the expected responses", results.cases.len());
}

/// Cargo passes the same arguments to every test: filters, or `--list`. Do they select this test?
fn is_selected(arguments: &[&str]) -> bool {
    let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
    !arguments.contains(&"--list") && (filters.peek().is_none() || filters.any(|filter| "serving".contains(filter)))
}
