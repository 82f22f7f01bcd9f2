//! Measures `audit` over a real API server with 5,000 gateways in 500 namespaces: wall time, CPU time and peak memory.
//! `docs/performance.md` has the figures.

#![allow(clippy::unwrap_used, reason = "a benchmark must stop if it would measure the wrong thing")]
#![allow(clippy::indexing_slicing, reason = "indexing a serde_json::Value returns null")]
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use serde_json::{Value, json};
use std::env;
use std::sync::Arc;
use test_support::control_plane::ControlPlane;
use test_support::measured_command::{HEAD, best_of, is_measuring};
use test_support::webhook::objects::{ARTICLE, PORTAL};
use test_support::webhook::{User, documents};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const NAMESPACES: usize = 500;
/// Gateways in a namespace: half of them use a key.
const GATEWAYS: usize = 10;
/// Namespaces that are written at the same time.
const WRITERS: usize = 16;
/// Runs of each command.
const RUNS: usize = 3;

fn main() {
    if is_measuring() {
        return;
    }
    let is_test = env::args().any(|argument| argument == "--test");
    let (namespaces, gateways, runs) = if is_test { (3, 2, 1) } else { (NAMESPACES, GATEWAYS, RUNS) };
    let Some(control_plane) = ControlPlane::own_without_controllers() else { return };
    let _logs = control_plane.show_logs_on_panic();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let objects = runtime.block_on(write_all(&control_plane, namespaces, gateways));
    println!("{} gateways in {namespaces} namespaces, {objects} objects\n\n{HEAD}", namespaces * gateways);
    let kubeconfig = control_plane.kubeconfig_file();
    let command = [env!("CARGO_BIN_EXE_apim-keyless"), "audit", "--kubeconfig", kubeconfig.to_str().unwrap()];
    println!("{}", best_of(runs, &command).row("apim-keyless audit"));
    println!(
        "{}",
        best_of(runs, &[&command[..], &["--output", "json"]].concat()).row("apim-keyless audit --output json")
    );
}

/// Writes the gateways with what their controllers make. Returns the number of objects.
async fn write_all(control_plane: &Arc<ControlPlane>, namespaces: usize, gateways: usize) -> usize {
    let mut writers = JoinSet::new();
    let mut objects = 0;
    for number in 0..namespaces {
        if writers.len() == WRITERS {
            objects += writers.join_next().await.unwrap().unwrap();
        }
        let control_plane = Arc::clone(control_plane);
        writers.spawn(async move { write(&control_plane, number, gateways).await });
    }
    while let Some(written) = writers.join_next().await {
        objects += written.unwrap();
    }
    objects
}

async fn write(control_plane: &ControlPlane, number: usize, gateways: usize) -> usize {
    let user = User::administrator(control_plane, &json!({"name": format!("team-{number}")})).await;
    let mut objects = 1;
    for gateway in 0..gateways {
        let source = if gateway % 2 == 0 { PORTAL } else { ARTICLE };
        for object in documents(source) {
            let stored = user.apply(&renamed(object, gateway)).await.stored();
            objects += 1;
            if stored["kind"] == "Deployment" {
                let replica_set = user.apply(&made_by(&stored, "apps/v1", "ReplicaSet")).await.stored();
                user.apply(&made_by(&replica_set, "v1", "Pod")).await.stored();
                objects += 2;
            }
        }
    }
    objects
}

/// The object of one gateway of several.
fn renamed(mut object: Value, gateway: usize) -> Value {
    let name = format!("{}-{gateway}", object["metadata"]["name"].as_str().unwrap());
    object["metadata"]["name"] = json!(name);
    object
}

/// What a controller makes of a stored workload.
fn made_by(owner: &Value, api_version: &str, kind: &str) -> Value {
    let template = &owner["spec"]["template"];
    let spec = if kind == "Pod" { template["spec"].clone() } else { owner["spec"].clone() };
    let name = owner["metadata"]["name"].as_str().unwrap();
    let mut object = json!({
        "apiVersion": api_version, "kind": kind, "spec": spec,
        "metadata": {"name": format!("{name}-made"), "labels": template["metadata"]["labels"], "ownerReferences": [{
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name, "uid": owner["metadata"]["uid"],
            "controller": true,
        }]},
    });
    if let Some(spec) = object["spec"].as_object_mut() {
        for field in ["strategy", "progressDeadlineSeconds", "revisionHistoryLimit"] {
            spec.remove(field);
        }
    }
    object
}
