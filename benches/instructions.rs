//! Counts the instructions of an evaluation with valgrind's callgrind. The count is the same in every run, however busy
//! the machine is, so an increase of 5 % is visible.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(missing_docs, reason = "the macros of gungraun generate public modules")]
#![allow(clippy::indexing_slicing, reason = "indexing a serde_json::Value returns null")]

#[path = "scene/mod.rs"]
mod scene;

use apim_keyless::admission::Request;
use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Finding, Policy};
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use scene::case::{Case, MUTATING, VALIDATING};
use scene::{Scene, series};
use std::hint::black_box;

/// The benchmark fails if a count is this much above the previous run, in percent.
const LIMIT: f64 = 5.0;

/// Leaks the scene: the evaluated object borrows from it, and the process ends after one benchmark.
fn leaked(scene: Scene) -> &'static Scene {
    Box::leak(Box::new(scene))
}

fn scene(case: Case) -> &'static Scene {
    leaked(case.scene())
}

fn object(case: Case) -> (&'static Scene, KubernetesObject<'static>) {
    let scene = scene(case);
    (scene, scene.object())
}

fn findings(case: Case) -> (KubernetesObject<'static>, Vec<Finding>) {
    let (scene, object) = object(case);
    let findings = scene.evaluate(&object);
    (object, findings)
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::denied_deployment(Case::DeniedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::non_gateway_deployment(Case::NonGatewayDeployment)]
fn read(scene: &'static Scene) {
    drop(black_box(Request::read(black_box(scene.review()))));
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::denied_deployment(Case::DeniedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::non_gateway_deployment(Case::NonGatewayDeployment)]
fn recognize(scene: &'static Scene) -> KubernetesObject<'static> {
    black_box(scene).object()
}

#[library_benchmark(setup = object)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::denied_deployment(Case::DeniedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::non_gateway_deployment(Case::NonGatewayDeployment)]
fn evaluate((scene, object): (&'static Scene, KubernetesObject<'static>)) -> Vec<Finding> {
    scene.evaluate(black_box(&object))
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::denied_deployment(Case::DeniedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::non_gateway_deployment(Case::NonGatewayDeployment)]
fn response_mutating(scene: &'static Scene) -> Vec<u8> {
    scene.response(black_box(MUTATING))
}

#[library_benchmark(setup = scene)]
#[bench::chart_deployment(Case::ChartDeployment)]
#[bench::bare_deployment(Case::BareDeployment)]
#[bench::denied_deployment(Case::DeniedDeployment)]
#[bench::scaled_deployment(Case::ScaledDeployment)]
#[bench::chart_service_account(Case::ChartServiceAccount)]
#[bench::chart_config_map(Case::ChartConfigMap)]
#[bench::non_gateway_deployment(Case::NonGatewayDeployment)]
fn response_validating(scene: &'static Scene) -> Vec<u8> {
    scene.response(black_box(VALIDATING))
}

#[library_benchmark(setup = findings)]
#[bench::bare_deployment(Case::BareDeployment)]
fn patch((object, findings): (KubernetesObject<'static>, Vec<Finding>)) {
    drop(black_box(Policy::patch(black_box(&object), &findings)));
}

#[library_benchmark(setup = findings)]
#[bench::bare_deployment(Case::BareDeployment)]
fn fixed((object, findings): (KubernetesObject<'static>, Vec<Finding>)) {
    drop(black_box(Policy::fixed(black_box(&object), &findings)));
}

#[library_benchmark(setup = leaked)]
#[bench::containers(series::containers(16))]
#[bench::containers_with_key(series::containers_with_key(16))]
#[bench::entries(series::entries(1000))]
#[bench::references(series::references(250))]
#[bench::config_maps(series::config_maps(60))]
fn response_for_many_items(scene: &'static Scene) -> Vec<u8> {
    scene.response(black_box(VALIDATING))
}

library_benchmark_group!(name = steps, benchmarks = [read, recognize, evaluate, patch, fixed]);
library_benchmark_group!(
    name = responses,
    benchmarks = [response_mutating, response_validating, response_for_many_items]
);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::default().soft_limits([(EventKind::Ir, LIMIT)])),
    library_benchmark_groups = [steps, responses]
);
