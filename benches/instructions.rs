//! How many instructions a judgement takes, counted by valgrind's callgrind: the same count in every run, however busy the
//! machine is, so that a twentieth more is seen.

#![allow(clippy::unwrap_used, reason = "a benchmark of something else than was meant must not go on")]
#![allow(missing_docs, reason = "the library writes modules of its own")]
#![allow(clippy::indexing_slicing, reason = "a serde_json::Value answers null")]

#[path = "scene/mod.rs"]
mod scene;

use apim_keyless::admission::Request;
use apim_keyless::gateway::Subject;
use apim_keyless::policy::{Policy, Ruling};
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use scene::case::{Case, MUTATE, VALIDATE};
use scene::{Scene, series};
use std::hint::black_box;

/// From this much more than before on, in hundredths, it is a failure.
const LIMIT: f64 = 5.0;

/// What is judged borrows from its scene, and a benchmark ends with its process.
fn kept(scene: Scene) -> &'static Scene {
    Box::leak(Box::new(scene))
}

fn scene(case: Case) -> &'static Scene {
    kept(case.scene())
}

fn subject(case: Case) -> (&'static Scene, Subject<'static>) {
    let scene = scene(case);
    (scene, scene.subject())
}

fn rulings(case: Case) -> (Subject<'static>, Vec<Ruling>) {
    let (scene, subject) = subject(case);
    let rulings = scene.examine(&subject);
    (subject, rulings)
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::refused_deployment(Case::RefusedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::foreign_deployment(Case::ForeignDeployment)]
fn read(scene: &'static Scene) {
    drop(black_box(Request::read(black_box(scene.review()))));
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::refused_deployment(Case::RefusedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::foreign_deployment(Case::ForeignDeployment)]
fn recognise(scene: &'static Scene) -> Subject<'static> {
    black_box(scene).subject()
}

#[library_benchmark(setup = subject)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::refused_deployment(Case::RefusedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::foreign_deployment(Case::ForeignDeployment)]
fn examine((scene, subject): (&'static Scene, Subject<'static>)) -> Vec<Ruling> {
    scene.examine(black_box(&subject))
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::refused_deployment(Case::RefusedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::foreign_deployment(Case::ForeignDeployment)]
fn answer_at_mutate(scene: &'static Scene) -> Vec<u8> {
    scene.answer(black_box(MUTATE))
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::refused_deployment(Case::RefusedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::foreign_deployment(Case::ForeignDeployment)]
fn answer_at_validate(scene: &'static Scene) -> Vec<u8> {
    scene.answer(black_box(VALIDATE))
}

#[library_benchmark(setup = rulings)]
#[bench::bare_deployment(Case::BareDeployment)]
fn patch((subject, rulings): (Subject<'static>, Vec<Ruling>)) {
    drop(black_box(Policy::patch(black_box(&subject), &rulings)));
}

#[library_benchmark(setup = rulings)]
#[bench::bare_deployment(Case::BareDeployment)]
fn mend((subject, rulings): (Subject<'static>, Vec<Ruling>)) {
    drop(black_box(Policy::mend(black_box(&subject), &rulings)));
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

library_benchmark_group!(name = steps, benchmarks = [read, recognise, examine, patch, mend]);
library_benchmark_group!(name = answers, benchmarks = [answer_at_mutate, answer_at_validate, grow]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::default().soft_limits([(EventKind::Ir, LIMIT)])),
    library_benchmark_groups = [steps, answers]
);
