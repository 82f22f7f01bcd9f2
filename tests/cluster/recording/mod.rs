//! Writes objects through a real API server, and records the reviews that it sends to a webhook.

pub(crate) mod objects;
mod webhook;

use axum::http::Request;
use kube::Client;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use test_support::control_plane::ControlPlane;
use webhook::{Position, Recording, WebhookAddress};

/// The recorded namespace.
const NAMESPACE: &str = "apim";
/// The administrator's user name in the control plane.
const WRITER: &str = "administrator";
/// For these the review of the validating webhook is recorded too: the API server sets names and uids after mutation.
const AT_VALIDATION: [&str; 5] =
    ["chart-deployment", "config-map-bare", "deployment-bare", "pod-with-generated-name", "service-account-created"];
/// Time limit for a controller; a `CronJob` waits for the next minute.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Writes objects and records their reviews.
pub(crate) struct Recorder {
    client: Client,
    recording: Recording,
}

impl Recorder {
    /// Registers the recording webhooks, creates the namespace, and waits until the API server calls the webhooks.
    pub(crate) async fn open(control_plane: &ControlPlane) -> Self {
        let recording = Recording::default();
        let webhook = recording.listen().await;
        let recorder = Self { client: Client::try_from(control_plane.kube_config()).unwrap(), recording };
        for review in fs::read_dir(folder()).unwrap() {
            fs::remove_file(review.unwrap().path()).unwrap();
        }
        recorder.register(&webhook).await;
        recorder
    }

    async fn register(&self, webhook: &WebhookAddress) {
        self.write("POST /api/v1/namespaces", &namespace("recorder")).await;
        let spec = json!({"type": "ExternalName", "externalName": "localhost", "ports": [{"port": 443}]});
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "recorder"}, "spec": spec});
        self.write("POST /api/v1/namespaces/recorder/services", &service).await;
        for kind in ["Mutating", "Validating"] {
            let resource = format!("{}webhookconfigurations", kind.to_lowercase());
            let line = format!("POST /apis/admissionregistration.k8s.io/v1/{resource}");
            self.write(&line, &configuration(kind, webhook)).await;
        }
        self.write("POST /api/v1/namespaces", &namespace(NAMESPACE)).await;
        let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}});
        let start = Instant::now();
        while self.probed() < 2 {
            assert!(start.elapsed() < TIMEOUT, "the API server does not call the webhooks");
            self.write(&format!("POST {}?dryRun=All", collection(&probe)), &probe).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Creates an object and records the review as `name`.
    pub(crate) async fn create(&self, name: &str, object: &Value) {
        self.record(name, &format!("POST {}", collection(object)), object).await;
    }

    /// Creates an object with `dryRun=All` and records the review as `name`.
    pub(crate) async fn create_dry_run(&self, name: &str, object: &Value) {
        self.record(name, &format!("POST {}?dryRun=All", collection(object)), object).await;
    }

    /// Patches an object: with a JSON patch if `patch` is a list, else with a merge patch.
    pub(crate) async fn patch(&self, name: &str, object: &Value, patch: &Value) {
        self.patch_part(name, object, "", patch).await;
    }

    /// Patches a subresource, for example `/status`.
    pub(crate) async fn patch_part(&self, name: &str, object: &Value, part: &str, patch: &Value) {
        self.record(name, &format!("PATCH {}{part}", path(object)), patch).await;
    }

    /// Applies an object by server-side apply.
    pub(crate) async fn apply(&self, name: &str, object: &Value) {
        self.record(name, &format!("PATCH {}?fieldManager=owner", path(object)), object).await;
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, name: &str, object: &Value) {
        let background = json!({"propagationPolicy": "Background"});
        self.record(name, &format!("DELETE {}", path(object)), &background).await;
    }

    /// Waits for a request of the controller `user` of kube-system that matches, and records its review.
    pub(crate) async fn record_controller(&self, name: &str, user: &str, matches: impl Fn(&Value) -> bool) {
        let user = format!("system:serviceaccount:kube-system:{user}");
        let matches = |request: &Value| request["userInfo"]["username"] == user.as_str() && matches(request);
        let start = Instant::now();
        loop {
            if let Some(review) = self.recording.mutating(Position::default(), matches) {
                return keep(name, &review);
            }
            assert!(start.elapsed() < TIMEOUT, "no review for {name} arrived");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn record(&self, name: &str, line: &str, body: &Value) {
        let from = self.recording.end();
        self.write(line, body).await;
        let is_mine = |request: &Value| request["userInfo"]["username"] == WRITER;
        keep(name, &self.recording.mutating(from, is_mine).unwrap_or_else(|| panic!("{name}: no review arrived")));
        if AT_VALIDATION.contains(&name) {
            keep(&format!("{name}-at-validation"), &self.recording.validating(from, is_mine).unwrap());
        }
    }

    /// The number of webhooks that were called so far: 0 to 2.
    fn probed(&self) -> usize {
        let is_probe = |request: &Value| request["name"] == "probe";
        let (from, recording) = (Position::default(), &self.recording);
        [recording.mutating(from, is_probe), recording.validating(from, is_probe)].iter().flatten().count()
    }

    /// Sends one request; `line` is its method and path.
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

/// A webhook configuration for every resource that can contain a gateway or a part of one, with every subresource.
fn configuration(kind: &str, webhook: &WebhookAddress) -> Value {
    let rule = |group: &str, resources: &[&str]| {
        json!({
            "apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"],
            "resources": resources, "scope": "Namespaced",
        })
    };
    let path = if kind == "Mutating" { "/mutate" } else { "/validate" };
    let service = json!({"namespace": "recorder", "name": "recorder", "port": webhook.port, "path": path});
    let core = ["configmaps", "pods", "pods/*", "podtemplates", "replicationcontrollers", "serviceaccounts"];
    let apps = ["daemonsets", "deployments", "deployments/*", "replicasets", "statefulsets"];
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"),
        "metadata": {"name": "recorder"},
        "webhooks": [{
            "name": "recorder.apim-keyless.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"caBundle": webhook.ca_bundle, "service": service},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
            "rules": [rule("", &core), rule("apps", &apps), rule("batch", &["cronjobs", "jobs"])],
        }],
    })
}
