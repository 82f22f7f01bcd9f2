//! Runs the fuzz targets without a fuzzer, on damaged reviews, damaged lines and random bytes.
//!
//! A fuzzer (`fuzz/README.md`) searches longer and with coverage feedback. This test is for every day: each target
//! takes half a minute without optimization. `FUZZ_CASES` sets the number of cases a target. `FUZZ_SEED` repeats the
//! cases of a failure.

mod damage;
mod seeds;

use damage::Damage;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use test_support::fuzz_targets::{edits, environment, image, review};

#[test]
fn every_damaged_review_is_answered() {
    let seeds = seeds::reviews();
    run(25_000, review::check, |damage| damage.json(&seeds));
}

#[test]
fn every_environment_is_resolved_within_bounds() {
    run(90_000, environment::check, |damage| damage.lines(seeds::ENVIRONMENTS, 12, "=<>:*!?$()\n"));
}

#[test]
fn only_a_gateway_image_is_recognized() {
    run(6_000, image::check, |damage| damage.lines(seeds::IMAGES, 3, ":/@.-v0\n"));
}

#[test]
fn one_pass_fixes_everything_and_changes_nothing_else() {
    let seeds = seeds::objects();
    run(40_000, edits::check, |damage| damage.json(&seeds));
}

#[test]
fn every_target_can_be_fuzzed() {
    let manifest = fs::read_to_string("fuzz/Cargo.toml").unwrap();
    let names = |folder: &str| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = files.collect();
        names.sort();
        names
    };
    let mut targets = names("crates/test-support/src/fuzz_targets");
    targets.retain(|name| name != "mod.rs");
    assert_eq!(names("fuzz/fuzz_targets"), targets);
    for name in targets {
        let code = fs::read_to_string(format!("fuzz/fuzz_targets/{name}")).unwrap();
        let target = name.trim_end_matches(".rs");
        let call = format!("fuzz_target!(|data: &[u8]| test_support::fuzz_targets::{target}::check(data));");
        assert!(code.contains(&call), "{name}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}\"")), "{name}");
    }
}

/// Runs `target` on generated cases: most of them from `make`, one in 16 of random bytes.
fn run(cases: u64, target: fn(&[u8]), make: impl Fn(&mut Damage) -> Vec<u8>) {
    let cases = env::var("FUZZ_CASES").map_or(cases, |cases| cases.parse().unwrap());
    let first = env::var("FUZZ_SEED").map_or(0, |seed| seed.parse().unwrap());
    for seed in first..first + cases {
        let mut rng = [0; 16];
        rng[..8].copy_from_slice(&seed.to_le_bytes());
        rng[8..].copy_from_slice(&(!seed).to_le_bytes());
        let mut damage = Damage::by(TestRng::from_seed(RngAlgorithm::XorShift, &rng));
        let data = if seed % 16 == 15 { damage.any_bytes() } else { make(&mut damage) };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&data))) {
            println!("repeat with FUZZ_SEED={seed} FUZZ_CASES=1: {}", String::from_utf8_lossy(&data));
            resume_unwind(panic);
        }
    }
}
