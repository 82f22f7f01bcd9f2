//! How many instructions a judgement takes, counted by valgrind's callgrind: the same count in every run, however busy the
//! machine is, so that a twentieth more is seen.

#![allow(clippy::unwrap_used, reason = "a benchmark of something else than was meant must not go on")]
#![allow(missing_docs, reason = "the library writes modules of its own")]
#![allow(clippy::indexing_slicing, reason = "a serde_json::Value answers null")]

#[path = "scene/mod.rs"]
mod scene;

use apim_keyless::admission::Request;
use apim_keyless::gateway::KubernetesObject;
use apim_keyless::policy::{Finding, Policy};
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use scene::case::{MUTATE, RuleInput, VALIDATE};
use scene::{Scene, series};
use std::hint::black_box;

/// From this much more than before on, in hundredths, it is a failure.
const LIMIT: f64 = 5.0;

/// What is judged borrows from its scene, and a benchmark ends with its process.
fn kept(scene: Scene) -> &'static Scene {
    Box::leak(Box::new(scene))
}

fn scene(case: RuleInput) -> &'static Scene {
    kept(case.scene())
}

fn object(case: RuleInput) -> (&'static Scene, KubernetesObject<'static>) {
    let scene = scene(case);
    (scene, scene.object())
}

fn findings(case: RuleInput) -> (KubernetesObject<'static>, Vec<Finding>) {
    let (scene, object) = object(case);
    let findings = scene.evaluate(&object);
    (object, findings)
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(RuleInput::ChartDeployment)]
#[bench::bare_deployment(RuleInput::BareDeployment)]
#[bench::refused_deployment(RuleInput::RefusedDeployment)]
#[bench::scaled_deployment(RuleInput::ScaledDeployment)]
#[bench::chart_service_account(RuleInput::ChartServiceAccount)]
#[bench::chart_config_map(RuleInput::ChartConfigMap)]
#[bench::foreign_deployment(RuleInput::ForeignDeployment)]
fn read(scene: &'static Scene) {
    drop(black_box(Request::read(black_box(scene.review()))));
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(RuleInput::ChartDeployment)]
#[bench::bare_deployment(RuleInput::BareDeployment)]
#[bench::refused_deployment(RuleInput::RefusedDeployment)]
#[bench::scaled_deployment(RuleInput::ScaledDeployment)]
#[bench::chart_service_account(RuleInput::ChartServiceAccount)]
#[bench::chart_config_map(RuleInput::ChartConfigMap)]
#[bench::foreign_deployment(RuleInput::ForeignDeployment)]
fn recognize(scene: &'static Scene) -> KubernetesObject<'static> {
    black_box(scene).object()
}

#[library_benchmark(setup = object)]
#[bench::chart_deployment(RuleInput::ChartDeployment)]
#[bench::bare_deployment(RuleInput::BareDeployment)]
#[bench::refused_deployment(RuleInput::RefusedDeployment)]
#[bench::scaled_deployment(RuleInput::ScaledDeployment)]
#[bench::chart_service_account(RuleInput::ChartServiceAccount)]
#[bench::chart_config_map(RuleInput::ChartConfigMap)]
#[bench::foreign_deployment(RuleInput::ForeignDeployment)]
fn evaluate((scene, object): (&'static Scene, KubernetesObject<'static>)) -> Vec<Finding> {
    scene.evaluate(black_box(&object))
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(RuleInput::ChartDeployment)]
#[bench::bare_deployment(RuleInput::BareDeployment)]
#[bench::refused_deployment(RuleInput::RefusedDeployment)]
#[bench::scaled_deployment(RuleInput::ScaledDeployment)]
#[bench::chart_service_account(RuleInput::ChartServiceAccount)]
#[bench::chart_config_map(RuleInput::ChartConfigMap)]
#[bench::foreign_deployment(RuleInput::ForeignDeployment)]
fn answer_at_mutate(scene: &'static Scene) -> Vec<u8> {
    scene.answer(black_box(MUTATE))
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(RuleInput::ChartDeployment)]
#[bench::bare_deployment(RuleInput::BareDeployment)]
#[bench::refused_deployment(RuleInput::RefusedDeployment)]
#[bench::scaled_deployment(RuleInput::ScaledDeployment)]
#[bench::chart_service_account(RuleInput::ChartServiceAccount)]
#[bench::chart_config_map(RuleInput::ChartConfigMap)]
#[bench::foreign_deployment(RuleInput::ForeignDeployment)]
fn answer_at_validate(scene: &'static Scene) -> Vec<u8> {
    scene.answer(black_box(VALIDATE))
}

#[library_benchmark(setup = findings)]
#[bench::bare_deployment(RuleInput::BareDeployment)]
fn patch((object, findings): (KubernetesObject<'static>, Vec<Finding>)) {
    drop(black_box(Policy::patch(black_box(&object), &findings)));
}

#[library_benchmark(setup = findings)]
#[bench::bare_deployment(RuleInput::BareDeployment)]
fn fixed((object, findings): (KubernetesObject<'static>, Vec<Finding>)) {
    drop(black_box(Policy::fixed(black_box(&object), &findings)));
}

#[library_benchmark(setup = kept)]
#[bench::containers(series::containers(100))]
#[bench::refused_containers(series::refused_containers(100))]
#[bench::entries(series::entries(1000))]
#[bench::references(series::references(1000))]
#[bench::config_maps(series::config_maps(100))]
fn grow(scene: &'static Scene) -> Vec<u8> {
    scene.answer(black_box(VALIDATE))
}

library_benchmark_group!(name = steps, benchmarks = [read, recognize, evaluate, patch, fixed]);
library_benchmark_group!(name = answers, benchmarks = [answer_at_mutate, answer_at_validate, grow]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::default().soft_limits([(EventKind::Ir, LIMIT)])),
    library_benchmark_groups = [steps, answers]
);
