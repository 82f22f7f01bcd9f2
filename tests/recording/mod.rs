//! The API server at work, and a webhook that records what it asks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a recording fails by panicking")]

pub(crate) mod objects;
mod tape;

use crate::control_plane::ControlPlane;
use axum::http::Request;
use kube::Client;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tape::{Listening, Place, Tape};

/// The namespace that is recorded.
const NAMESPACE: &str = "apim";
/// Whom the control plane calls its administrator.
const WRITER: &str = "administrator";
/// Of these the review of the validating webhook is kept as well: the API server gives names and uids in between.
const AT_VALIDATION: [&str; 5] =
    ["chart-deployment", "config-map-bare", "deployment-bare", "pod-with-generated-name", "service-account-created"];
/// How long a controller may take; a `CronJob` waits for the next minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// Writes objects and keeps the reviews of it.
pub(crate) struct Studio {
    client: Client,
    tape: Tape,
}

impl Studio {
    /// Registers the recording webhooks, and makes the namespace when they count.
    pub(crate) async fn open(control_plane: &ControlPlane) -> Self {
        let tape = Tape::default();
        let listening = tape.listen().await;
        let studio = Self { client: Client::try_from(control_plane.kube_config()).unwrap(), tape };
        for review in fs::read_dir(folder()).unwrap() {
            fs::remove_file(review.unwrap().path()).unwrap();
        }
        studio.register(&listening).await;
        studio
    }

    async fn register(&self, listening: &Listening) {
        self.write("POST /api/v1/namespaces", &namespace("recorder")).await;
        let spec = json!({"type": "ExternalName", "externalName": "localhost", "ports": [{"port": 443}]});
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "recorder"}, "spec": spec});
        self.write("POST /api/v1/namespaces/recorder/services", &service).await;
        for kind in ["Mutating", "Validating"] {
            let resource = format!("{}webhookconfigurations", kind.to_lowercase());
            let line = format!("POST /apis/admissionregistration.k8s.io/v1/{resource}");
            self.write(&line, &configuration(kind, listening)).await;
        }
        self.write("POST /api/v1/namespaces", &namespace(NAMESPACE)).await;
        let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}});
        let start = Instant::now();
        while self.probed() < 2 {
            assert!(start.elapsed() < PATIENCE, "the webhooks are never called");
            self.write(&format!("POST {}?dryRun=All", collection(&probe)), &probe).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Creates an object and records the review as `name`.
    pub(crate) async fn create(&self, name: &str, object: &Value) {
        self.record(name, &format!("POST {}", collection(object)), object).await;
    }

    /// Shows what would be created.
    pub(crate) async fn try_out(&self, name: &str, object: &Value) {
        self.record(name, &format!("POST {}?dryRun=All", collection(object)), object).await;
    }

    /// Patches an object: by JSON patch if `patch` is a list, else by merge patch.
    pub(crate) async fn patch(&self, name: &str, object: &Value, patch: &Value) {
        self.patch_part(name, (object, ""), patch).await;
    }

    /// The same of a subresource, `/status` say.
    pub(crate) async fn patch_part(&self, name: &str, (object, part): (&Value, &str), patch: &Value) {
        self.record(name, &format!("PATCH {}{part}", path(object)), patch).await;
    }

    /// Applies an object on the server's side.
    pub(crate) async fn apply(&self, name: &str, object: &Value) {
        self.record(name, &format!("PATCH {}?fieldManager=owner", path(object)), object).await;
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, name: &str, object: &Value) {
        let background = json!({"propagationPolicy": "Background"});
        self.record(name, &format!("DELETE {}", path(object)), &background).await;
    }

    /// Records what `user` of kube-system does, as soon as it `is_meant`.
    pub(crate) async fn overhear(&self, name: &str, user: &str, is_meant: impl Fn(&Value) -> bool) {
        let user = format!("system:serviceaccount:kube-system:{user}");
        let is_meant = |request: &Value| request["userInfo"]["username"] == user.as_str() && is_meant(request);
        let start = Instant::now();
        loop {
            if let Some(review) = self.tape.mutating(Place::default(), is_meant) {
                return keep(name, &review);
            }
            assert!(start.elapsed() < PATIENCE, "it never came: {name}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn record(&self, name: &str, line: &str, body: &Value) {
        let from = self.tape.end();
        self.write(line, body).await;
        let is_mine = |request: &Value| request["userInfo"]["username"] == WRITER;
        keep(name, &self.tape.mutating(from, is_mine).unwrap_or_else(|| panic!("{name}: no review came")));
        if AT_VALIDATION.contains(&name) {
            keep(&format!("{name}-at-validation"), &self.tape.validating(from, is_mine).unwrap());
        }
    }

    /// How many of the two webhooks were called.
    fn probed(&self) -> usize {
        let is_probe = |request: &Value| request["name"] == "probe";
        let (from, tape) = (Place::default(), &self.tape);
        [tape.mutating(from, is_probe), tape.validating(from, is_probe)].iter().flatten().count()
    }

    /// One call, `line` being its method and path.
    async fn write(&self, line: &str, body: &Value) -> Value {
        let (method, path) = line.split_once(' ').unwrap();
        let content_type = match method {
            "PATCH" if path.contains("fieldManager") => "application/apply-patch+yaml",
            "PATCH" if body.is_array() => "application/json-patch+json",
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        let request = request.body(serde_json::to_vec(body).unwrap()).unwrap();
        self.client.request(request).await.unwrap_or_else(|error| panic!("{line}: {error}"))
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reviews")
}

fn keep(name: &str, review: &Value) {
    fs::write(folder().join(format!("{name}.json")), format!("{review:#}\n")).unwrap();
}

fn collection(object: &Value) -> String {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let root = if version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{version}/namespaces/{NAMESPACE}/{}s", kind.to_lowercase())
}

fn path(object: &Value) -> String {
    format!("{}/{}", collection(object), object["metadata"]["name"].as_str().unwrap())
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// All that can hold a gateway or be a part of one, with every subresource.
fn configuration(kind: &str, listening: &Listening) -> Value {
    let rule = |group: &str, resources: &[&str]| {
        json!({
            "apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"],
            "resources": resources, "scope": "Namespaced",
        })
    };
    let path = if kind == "Mutating" { "/mutate" } else { "/validate" };
    let service = json!({"namespace": "recorder", "name": "recorder", "port": listening.port, "path": path});
    let core = ["configmaps", "pods", "pods/*", "podtemplates", "replicationcontrollers", "serviceaccounts"];
    let apps = ["daemonsets", "deployments", "deployments/*", "replicasets", "statefulsets"];
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"),
        "metadata": {"name": "recorder"},
        "webhooks": [{
            "name": "recorder.apim-keyless.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"caBundle": listening.authority, "service": service},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
            "rules": [rule("", &core), rule("apps", &apps), rule("batch", &["cronjobs", "jobs"])],
        }],
    })
}
