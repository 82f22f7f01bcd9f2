//! What the webhook costs as it is served: over TLS and HTTP/1.1, pinned to a core, beside two floors that judge nothing.
//! `docs/performance.md` has the figures, and says what they mean.
//!
//! Cargo gives `--bench` to a benchmark. Without it this is a test: every case and every server once, and no figures.

#![allow(clippy::unwrap_used, reason = "a benchmark of something else than was meant must not go on")]
#![allow(clippy::indexing_slicing, reason = "a serde_json::Value answers null, and there are three servers")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its table and its progress are for people")]

mod case;
mod child;
mod figures;
mod floor;
#[path = "../../tests/webhook/image.rs"]
mod image;
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
use trial::Stage;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [name, certificates] if Floor::named(name).is_some() => {
            Floor::named(name).unwrap().serve(Path::new(certificates));
        }
        _ if words.contains(&"--bench") => bench(&Options::parse()),
        _ if is_meant(&words) => smoke(),
        _ => {}
    }
}

fn bench(options: &Options) {
    let stage = Stage::set(Pinning::of_this_process());
    if options.long {
        return print!("{}", long::told(&stage));
    }
    let text = table::told(&trial::trials(&stage, options), &stage.pinning, options);
    print!("{text}");
    if options.write {
        page::write(&text);
    }
}

/// Every case is answered by every server, under every load.
fn smoke() {
    let options = Options { alternations: 1, seconds: 0.02, ..Options::parse_from(["serving"]) };
    let stage = Stage::set(Pinning::None("a test"));
    let results = trial::trials(&stage, &options);
    let text = table::told(&results, &stage.pinning, &options);
    assert_eq!(results.cases.len(), case::CASES.len());
    for case in case::CASES {
        assert!(text.contains(case.told), "{} is not in the table", case.name);
    }
    println!("serving: {} cases are answered as they should be", results.cases.len());
}

/// Cargo gives every test the same words: which tests are meant, or that they are only to be listed.
fn is_meant(words: &[&str]) -> bool {
    let mut filters = words.iter().filter(|word| !word.starts_with('-')).peekable();
    !words.contains(&"--list") && (filters.peek().is_none() || filters.any(|filter| "serving".contains(filter)))
}
