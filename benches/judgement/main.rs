//! How long a judgement takes: of a single object step by step, and of objects that grow, where the time per item tells
//! whether the cost is linear. `docs/performance.md` has the figures.

#![allow(clippy::unwrap_used, reason = "a benchmark of something else than was meant must not go on")]
#![allow(clippy::indexing_slicing, reason = "a serde_json::Value answers null")]

#[path = "../scene/mod.rs"]
mod scene;

use apim_keyless::admission::Endpoint;
use apim_keyless::policy::Policy;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use scene::case::{MUTATE, RuleInput, VALIDATE};
use scene::{Scene, series};

const CASES: [RuleInput; 7] = [
    RuleInput::ChartDeployment,
    RuleInput::BareDeployment,
    RuleInput::RefusedDeployment,
    RuleInput::ChartServiceAccount,
    RuleInput::ChartConfigMap,
    RuleInput::ForeignDeployment,
    RuleInput::ScaledDeployment,
];

fn main() {
    divan::main();
}

#[divan::bench(args = CASES)]
fn recognize(bencher: Bencher<'_, '_>, case: RuleInput) {
    let scene = case.scene();
    bencher.bench_local(|| drop(black_box(scene.object())));
}

#[divan::bench(args = CASES)]
fn evaluate(bencher: Bencher<'_, '_>, case: RuleInput) {
    let scene = case.scene();
    let object = scene.object();
    bencher.bench_local(|| scene.evaluate(black_box(&object)));
}

#[divan::bench(args = CASES)]
fn patch(bencher: Bencher<'_, '_>, case: RuleInput) {
    let scene = case.scene();
    let object = scene.object();
    let findings = scene.evaluate(&object);
    bencher.bench_local(|| Policy::patch(black_box(&object), &findings));
}

#[divan::bench(args = CASES)]
fn answer_at_mutate(bencher: Bencher<'_, '_>, case: RuleInput) {
    answer(bencher, &case.scene(), MUTATE);
}

#[divan::bench(args = CASES)]
fn answer_at_validate(bencher: Bencher<'_, '_>, case: RuleInput) {
    answer(bencher, &case.scene(), VALIDATE);
}

fn answer(bencher: Bencher<'_, '_>, scene: &Scene, endpoint: Endpoint) {
    bencher.counter(BytesCount::new(scene.review().len())).bench_local(|| scene.answer(black_box(endpoint)));
}

#[divan::bench(args = [1, 10, 100, 1000])]
fn containers_with_ten_variables(bencher: Bencher<'_, '_>, containers: usize) {
    grow(bencher, &series::containers(containers), containers);
}

#[divan::bench(args = [1, 10, 100, 1000])]
fn containers_that_are_refused(bencher: Bencher<'_, '_>, containers: usize) {
    grow(bencher, &series::refused_containers(containers), containers);
}

#[divan::bench(args = [10, 100, 1000, 10_000])]
fn variables_in_a_container(bencher: Bencher<'_, '_>, entries: usize) {
    grow(bencher, &series::entries(entries), entries);
}

#[divan::bench(args = [10, 100, 1000, 10_000])]
fn variables_that_name_one_another(bencher: Bencher<'_, '_>, references: usize) {
    grow(bencher, &series::references(references), references);
}

#[divan::bench(args = [1, 10, 100, 1000])]
fn config_maps_of_a_container(bencher: Bencher<'_, '_>, config_maps: usize) {
    grow(bencher, &series::config_maps(config_maps), config_maps);
}

fn grow(bencher: Bencher<'_, '_>, scene: &Scene, items: usize) {
    bencher.counter(ItemsCount::new(items)).bench_local(|| scene.answer(black_box(VALIDATE)));
}
