//! Never a value: canaries in every text of generated objects, and none in what apim-keyless says of them.
//!
//! A value is every text but names of objects, keys, containers and images: what a variable is set to, data of
//! `ConfigMap`s and Secrets, annotations, labels, arguments, fields that nobody knows. Canaries are random, have the
//! shape of real secrets, and count as found if eight signs of one in a row are. They are looked for in
//! - answers: denials, warnings, audit annotations, patches (which hold our own values alone), stand-ins of what broke
//!   down, and what is said of damaged objects: a secret where a list was expected, and the like;
//! - the log of the real router in both formats, and the metrics;
//! - what `check` writes of such objects in files, in each format in turn, with their lines masked.
//!
//! A report shows the line of a fault, and in it what labels of known prefixes say (`azure.workload.identity/use`).
//!
//! 100,000 objects are answered, every tenth through the router as well, and as many more stand in files; `CASES` asks
//! for another number.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "canaries/damage.rs"]
mod damage;
#[path = "canaries/files.rs"]
mod files;
#[path = "canaries/secret.rs"]
mod secret;
#[path = "canaries/server.rs"]
mod server;
#[path = "canaries/taint.rs"]
mod taint;
#[path = "canaries/world.rs"]
mod world;
#[path = "canaries/yaml.rs"]
mod yaml;

#[allow(dead_code, unused_imports, reason = "the laws use the rest of it")]
mod generate;
mod run;

use apim_keyless::admission::{Endpoint, Webhook};
use apim_keyless::policy::Mode;
use damage::of_another_type;
use files::Files;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseResult, TestRunner};
use serde_json::Value;
use server::{ReviewServer, ReviewServers};
use std::cell::{Cell, RefCell};
use world::{OBJECTS, Tainted, clean};

/// How many objects are judged.
const CASES: usize = 100_000;

/// One in so many is looked at through every channel.
const SAMPLE: usize = 10;

/// How often the same objects are given other secrets: to make objects takes longer than to judge them.
const TAINTS: usize = 4;

/// How many objects `check` is given at once.
const BATCH: usize = 500;

#[test]
fn what_is_mended_tells_no_value() {
    tells_no_value_at(Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce });
}

#[test]
fn what_is_refused_tells_no_value() {
    tells_no_value_at(Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce });
}

#[test]
fn what_is_audited_tells_no_value() {
    tells_no_value_at(Endpoint { webhook: Webhook::Validating, mode: Mode::Audit });
}

fn tells_no_value_at(endpoint: Endpoint) {
    let (houses, evaluated_keys) = (ReviewServers::open(), Cell::new(0));
    let objects = cases().div_ceil(Endpoint::ALL.len());
    let outcome = runner(objects).run(&clean(), |mut clean| {
        let server = houses.of(clean.document());
        (0..TAINTS).try_for_each(|_| tell_no_value(&mut clean.tainted(false), server, endpoint, &evaluated_keys))
    });
    outcome.unwrap();
    assert!(evaluated_keys.get() >= objects);
}

fn tell_no_value(
    tainted: &mut Tainted,
    server: &ReviewServer,
    endpoint: Endpoint,
    evaluated_keys: &Cell<usize>,
) -> TestCaseResult {
    let related = tainted.world.related(&server.policy);
    for object in tainted.objects.clone() {
        let body = tainted.review(&object).body();
        says_nothing(tainted, &server.answer(endpoint, body.as_bytes(), &related))?;
        if evaluated_keys.replace(evaluated_keys.get() + 1).is_multiple_of(SAMPLE) {
            says_nothing_at_the_router(tainted, server, endpoint, &object)?;
        }
    }
    Ok(())
}

/// The object as it is, and once more with a secret where something of another type belongs.
fn says_nothing_at_the_router(
    tainted: &mut Tainted,
    server: &ReviewServer,
    endpoint: Endpoint,
    object: &Value,
) -> TestCaseResult {
    let visit = server.visit(endpoint, tainted.review(object).body().as_bytes());
    prop_assert_eq!(visit.status, 200, "{}", visit.told);
    says_nothing(tainted, &visit.told)?;
    let damaged = of_another_type(object, &mut tainted.canaries);
    let visit = server.visit(endpoint, tainted.review(&damaged).body().as_bytes());
    says_nothing(tainted, &visit.told)
}

#[test]
fn what_stands_in_files_is_reported_without_a_value() {
    let batches: RefCell<Vec<Files>> = RefCell::default();
    let formats = RefCell::new(["text", "json"].into_iter().cycle());
    let report = |files: &Files| files.tell_no_value(formats.borrow_mut().next().unwrap());
    let outcome = runner(cases() / SAMPLE).run(&clean(), |mut clean| {
        let mut batches = batches.borrow_mut();
        let at = batches.iter().position(|files| files.policy == clean.document()).unwrap_or(batches.len());
        if at == batches.len() {
            batches.push(Files::under(clean.document()));
        }
        (0..TAINTS).for_each(|_| batches[at].add(clean.tainted(true)));
        if batches[at].objects >= BATCH {
            report(&batches.swap_remove(at));
        }
        Ok(())
    });
    outcome.unwrap();
    batches.borrow().iter().for_each(report);
}

fn says_nothing(tainted: &Tainted, told: &str) -> TestCaseResult {
    let found = tainted.canaries.found_in(told);
    prop_assert!(found.is_none(), "{found:?} is told: {told}");
    Ok(())
}

fn runner(objects: usize) -> TestRunner {
    let cases = u32::try_from(objects.div_ceil(OBJECTS * TAINTS)).unwrap();
    // secrets of a test need not be secret, but fast
    let rng_algorithm = RngAlgorithm::XorShift;
    TestRunner::new(ProptestConfig { failure_persistence: None, rng_algorithm, ..ProptestConfig::with_cases(cases) })
}

fn cases() -> usize {
    std::env::var("CASES").ok().map_or(CASES, |cases| cases.parse().unwrap())
}
