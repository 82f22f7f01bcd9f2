//! `CustomResourceDefinition`s: those of cert-manager and the Prometheus operator, for kinds that the chart renders, those of
//! kinds that run gateways, and those of the reports that the audit writes.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use test_support::webhook::{User, documents, eventually};

/// The Go module that requires the modules with the definitions.
const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/test-support/helm/definitions");

const DEFINITIONS: [(&str, &str); 4] = [
    ("github.com/cert-manager/cert-manager", "deploy/crds/cert-manager.io_certificates.yaml"),
    ("github.com/cert-manager/cert-manager", "deploy/crds/cert-manager.io_issuers.yaml"),
    ("github.com/prometheus-operator/prometheus-operator", PROMETHEUS_RULES),
    ("github.com/prometheus-operator/prometheus-operator", SERVICE_MONITORS),
];
const PROMETHEUS_RULES: &str = "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml";
const SERVICE_MONITORS: &str = "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml";

/// Creates the definitions of the kinds that the chart renders, and waits until the API server serves them.
pub(crate) async fn install(user: &User) {
    for (module, file) in DEFINITIONS {
        for definition in from_module(module, file) {
            create(user, &definition).await;
        }
    }
}

/// The definitions in a file of a module.
pub(crate) fn from_module(module: &str, file: &str) -> Vec<Value> {
    documents(&std::fs::read_to_string(folder(module).join(file)).unwrap())
}

/// Creates a definition, and waits until the API server serves its kind.
pub(crate) async fn create(user: &User, definition: &Value) {
    user.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await.stored();
    let spec = &definition["spec"];
    let (group, plural) = (spec["group"].as_str().unwrap(), spec["names"]["plural"].as_str().unwrap());
    let version = spec["versions"][0]["name"].as_str().unwrap();
    let path = format!("/apis/{group}/{version}/{plural}");
    eventually(&path, || async { (user.get(&path).await.status == 200).then_some(()) }).await;
}

/// The folder of a module in Go's module cache.
fn folder(module: &str) -> PathBuf {
    let download = Command::new("go").args(["mod", "download", "-json", module]).current_dir(MODULE).output().unwrap();
    let module_info: Value = serde_json::from_slice(&download.stdout).unwrap();
    Path::new(
        module_info["Dir"].as_str().unwrap_or_else(|| panic!("cannot download {module}: {}", module_info["Error"])),
    )
    .to_owned()
}
