//! No value leaks: generated objects have a canary in every text, and no output of apim-keyless contains one.
//!
//! A value is every text except names of objects, keys, containers and images: values of variables, data of
//! `ConfigMap`s and Secrets, annotations, labels, arguments, unknown fields. Canaries are random and have the form of
//! real secrets. Eight consecutive characters of a canary count as a leak. The tests search
//! - answers: denials, warnings, audit annotations, patches (which contain only our own values), answers after a panic,
//!   and errors about damaged objects, for example a secret where a list is expected;
//! - the log of the real router in both formats, and the metrics;
//! - the reports of `check` on such objects in files, in each format in turn, with masked lines. A report shows the line
//!   of a finding with every value that can bear no secret; a canary looks like one.
//!
//! The tests answer 100,000 objects, every tenth of them through the router as well, and check as many in files.
//! `CASES` sets another number.

mod damage;
mod files;
mod secret;
mod server;
mod taint;
mod world;
mod yaml;

use apim_keyless::admission::{Endpoint, Webhook};
use apim_keyless_core::policy::Mode;
use damage::of_another_type;
use files::Files;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseResult, TestRunner};
use serde_json::Value;
use server::{ReviewServer, ReviewServers};
use std::cell::{Cell, RefCell};
use world::{OBJECTS, Tainted, clean};

/// Number of evaluated objects.
const CASES: usize = 100_000;

/// One object in this many is also sent to the router.
const SAMPLE: usize = 10;

/// How often the same objects get new secrets: generating objects takes longer than evaluating them.
const TAINTS: usize = 4;

/// Number of objects in one run of `check`.
const BATCH: usize = 500;

#[test]
fn the_mutating_webhook_leaks_no_value() {
    no_value_leaks_at(Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce });
}

#[test]
fn the_validating_webhook_leaks_no_value() {
    no_value_leaks_at(Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce });
}

#[test]
fn the_audit_endpoint_leaks_no_value() {
    no_value_leaks_at(Endpoint { webhook: Webhook::Validating, mode: Mode::Audit });
}

fn no_value_leaks_at(endpoint: Endpoint) {
    let (servers, evaluated) = (ReviewServers::open(), Cell::new(0));
    let objects = cases().div_ceil(Endpoint::ALL.len());
    let outcome = runner(objects).run(&clean(), |mut clean| {
        let server = servers.of(clean.document());
        (0..TAINTS).try_for_each(|_| no_value_leaks(&mut clean.tainted(), server, endpoint, &evaluated))
    });
    outcome.unwrap();
    assert!(evaluated.get() >= objects);
}

fn no_value_leaks(
    tainted: &mut Tainted,
    server: &ReviewServer,
    endpoint: Endpoint,
    evaluated: &Cell<usize>,
) -> TestCaseResult {
    let related = tainted.world.related(&server.policy);
    for object in tainted.objects.clone() {
        let body = tainted.review(&object).body();
        contains_no_secret(tainted, &server.answer(endpoint, body.as_bytes(), &related))?;
        if evaluated.replace(evaluated.get() + 1).is_multiple_of(SAMPLE) {
            router_leaks_nothing(tainted, server, endpoint, &object)?;
        }
    }
    Ok(())
}

/// Sends the object as it is, and again with a secret where a value of another type is expected.
fn router_leaks_nothing(
    tainted: &mut Tainted,
    server: &ReviewServer,
    endpoint: Endpoint,
    object: &Value,
) -> TestCaseResult {
    let call = server.call(endpoint, tainted.review(object).body().as_bytes());
    prop_assert_eq!(call.status, 200, "{}", call.text);
    contains_no_secret(tainted, &call.text)?;
    let damaged = of_another_type(object, &mut tainted.canaries);
    let call = server.call(endpoint, tainted.review(&damaged).body().as_bytes());
    contains_no_secret(tainted, &call.text)
}

#[test]
fn check_leaks_no_value_of_a_file() {
    let batches: RefCell<Vec<Files>> = RefCell::default();
    let formats = RefCell::new(["text", "json", "sarif", "junit", "github"].into_iter().cycle());
    let report = |files: &Files| files.no_value_leaks(formats.borrow_mut().next().unwrap());
    let outcome = runner(cases() / SAMPLE).run(&clean(), |mut clean| {
        let mut batches = batches.borrow_mut();
        let at = batches.iter().position(|files| files.policy == clean.document()).unwrap_or(batches.len());
        if at == batches.len() {
            batches.push(Files::under(clean.document()));
        }
        (0..TAINTS).for_each(|_| batches[at].add(clean.tainted()));
        if batches[at].objects >= BATCH {
            report(&batches.swap_remove(at));
        }
        Ok(())
    });
    outcome.unwrap();
    batches.borrow().iter().for_each(report);
}

fn contains_no_secret(tainted: &Tainted, text: &str) -> TestCaseResult {
    let found = tainted.canaries.found_in(text);
    prop_assert!(found.is_none(), "{found:?} leaks: {text}");
    Ok(())
}

fn runner(objects: usize) -> TestRunner {
    let cases = u32::try_from(objects.div_ceil(OBJECTS * TAINTS)).unwrap();
    // test secrets need a fast generator, not a secure one
    let rng_algorithm = RngAlgorithm::XorShift;
    TestRunner::new(ProptestConfig { failure_persistence: None, rng_algorithm, ..ProptestConfig::with_cases(cases) })
}

fn cases() -> usize {
    std::env::var("CASES").ok().map_or(CASES, |cases| cases.parse().unwrap())
}
