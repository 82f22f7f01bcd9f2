//! Measures the time of an evaluation: step by step for single objects, and for objects with many items, where the time
//! per item shows whether the cost is linear. `docs/performance.md` has the figures.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(clippy::indexing_slicing, reason = "indexing a serde_json::Value returns null")]

#[path = "../scene/mod.rs"]
mod scene;

use apim_keyless::admission::Endpoint;
use apim_keyless_core::policy::Policy;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use scene::case::{Case, MUTATING, VALIDATING};
use scene::{Scene, series};

const CASES: [Case; 7] = [
    Case::ChartDeployment,
    Case::BareDeployment,
    Case::DeniedDeployment,
    Case::ChartServiceAccount,
    Case::ChartConfigMap,
    Case::NonGatewayDeployment,
    Case::ScaledDeployment,
];

fn main() {
    divan::main();
}

#[divan::bench(args = CASES)]
fn recognize(bencher: Bencher<'_, '_>, case: Case) {
    let scene = case.scene();
    bencher.bench_local(|| drop(black_box(scene.object())));
}

#[divan::bench(args = CASES)]
fn evaluate(bencher: Bencher<'_, '_>, case: Case) {
    let scene = case.scene();
    let object = scene.object();
    bencher.bench_local(|| scene.evaluate(black_box(&object)));
}

#[divan::bench(args = CASES)]
fn patch(bencher: Bencher<'_, '_>, case: Case) {
    let scene = case.scene();
    let object = scene.object();
    let findings = scene.evaluate(&object);
    bencher.bench_local(|| Policy::patch(black_box(&object), &findings));
}

#[divan::bench(args = CASES)]
fn response_mutating(bencher: Bencher<'_, '_>, case: Case) {
    response(bencher, &case.scene(), MUTATING);
}

#[divan::bench(args = CASES)]
fn response_validating(bencher: Bencher<'_, '_>, case: Case) {
    response(bencher, &case.scene(), VALIDATING);
}

fn response(bencher: Bencher<'_, '_>, scene: &Scene, endpoint: Endpoint) {
    bencher.counter(BytesCount::new(scene.review().len())).bench_local(|| scene.response(black_box(endpoint)));
}

#[divan::bench(args = [1, 4, 16])]
fn containers_with_ten_variables(bencher: Bencher<'_, '_>, containers: usize) {
    measure(bencher, &series::containers(containers), containers);
}

#[divan::bench(args = [1, 4, 16])]
fn containers_with_a_key(bencher: Bencher<'_, '_>, containers: usize) {
    measure(bencher, &series::containers_with_key(containers), containers);
}

#[divan::bench(args = [10, 100, 1000])]
fn variables_in_a_container(bencher: Bencher<'_, '_>, entries: usize) {
    measure(bencher, &series::entries(entries), entries);
}

#[divan::bench(args = [10, 100, 250])]
fn variables_with_references(bencher: Bencher<'_, '_>, references: usize) {
    measure(bencher, &series::references(references), references);
}

#[divan::bench(args = [1, 10, 60])]
fn config_maps_in_a_container(bencher: Bencher<'_, '_>, config_maps: usize) {
    measure(bencher, &series::config_maps(config_maps), config_maps);
}

fn measure(bencher: Bencher<'_, '_>, scene: &Scene, items: usize) {
    bencher.counter(ItemsCount::new(items)).bench_local(|| scene.response(black_box(VALIDATING)));
}
