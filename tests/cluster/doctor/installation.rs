//! An installation as the chart renders it, in a cluster without nodes: the tests set the status of Pods in place of a
//! kubelet.

use super::api_server_proxy::ApiServerProxy;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use test_support::report_schema::assert_valid;
use test_support::run::{Folder, RunOutput};
use test_support::webhook::{LONGEST_WAIT, User, Webhook, documents};

/// The Pods of the installation.
pub(crate) const PODS: &str = "/api/v1/namespaces/apim-keyless/pods?labelSelector=app.kubernetes.io/name=apim-keyless";

/// A running webhook with everything else that the chart installs, and a folder in which `doctor` runs.
pub(crate) struct Installation<'a> {
    /// A user with all permissions.
    pub(crate) user: User,
    /// The API server as `doctor` sees it.
    pub(crate) proxy: &'a ApiServerProxy,
    folder: Folder,
}

/// The id and the location of a finding.
pub(crate) type Found = (String, String);

impl<'a> Installation<'a> {
    /// Creates what the running webhook of the tests lacks: its Deployment and the webhook of azure-workload-identity.
    pub(crate) async fn complete(webhook: &Webhook, proxy: &'a ApiServerProxy) -> Self {
        let user = webhook.in_namespace("apim-keyless");
        for object in documents(include_str!("../../../deploy/install.yaml")) {
            if ["ConfigMap", "Deployment", "PodDisruptionBudget"].iter().any(|kind| object["kind"] == *kind) {
                user.apply(&object).await.stored();
            }
        }
        user.post(MUTATING, &workload_identity("azure-wi-webhook-mutating-webhook-configuration")).await.stored();
        let folder = Folder::with(&[("kubeconfig", &proxy.kubeconfig().to_string())]);
        Self { user, proxy, folder }
    }

    /// Runs `doctor` with the real binary.
    pub(crate) fn run(&self, arguments: &[&str]) -> RunOutput {
        self.folder.run(&[&["doctor", "--kubeconfig", "kubeconfig"], arguments].concat())
    }

    /// The findings of a run.
    pub(crate) fn found(&self) -> Vec<Found> {
        let ran = self.run(&["--output", "json"]);
        let report = ran.json();
        assert_valid(&report);
        assert_eq!(report["failures"], json!([]));
        let mut found: Vec<Found> = report["findings"].as_array().unwrap().iter().map(found).collect();
        found.sort();
        found.dedup();
        found
    }

    /// Runs `doctor` until it finds exactly this: controllers and the API server need a moment.
    pub(crate) async fn wait_until_found(&self, what: &str, expected: &[(&str, &str)]) {
        let start = Instant::now();
        loop {
            self.set_pod_status().await;
            let found = self.found();
            let is_as_expected =
                |(one, (id, location)): (&Found, &(&str, &str))| one.0 == *id && is_location(&one.1, location);
            if found.len() == expected.len() && found.iter().zip(expected).all(is_as_expected) {
                return;
            }
            assert!(start.elapsed() < LONGEST_WAIT, "{what}: found {found:#?}, expected {expected:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sets the status of Pods that have none yet to running, as a kubelet would.
    async fn set_pod_status(&self) {
        for mut pod in self.user.list(PODS).await {
            if pod["status"]["containerStatuses"].is_null() {
                pod["apiVersion"] = json!("v1");
                pod["kind"] = json!("Pod");
                pod["status"] = running("True");
                let path = format!("{}/status", self.user.path_of(&pod));
                // fails with a conflict if a controller has changed the Pod; the next round tries again
                _ = self.user.put(&path, &pod).await;
            }
        }
    }
}

/// The collection of `MutatingWebhookConfiguration`s.
pub(crate) const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

/// `status` of a Pod whose container runs.
pub(crate) fn running(is_ready: &str) -> Value {
    json!({
        "phase": "Running", "conditions": [{"type": "Ready", "status": is_ready}],
        "containerStatuses": [{
            "name": "apim-keyless", "ready": is_ready == "True", "restartCount": 0, "image": "", "imageID": "",
            "state": {"running": {"startedAt": null}},
        }],
    })
}

/// The configuration of azure-workload-identity's webhook as its chart renders it. No server runs behind it.
pub(crate) fn workload_identity(name: &str) -> Value {
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]});
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": name},
        "webhooks": [{
            "name": "mutation.azure-workload-identity.io", "admissionReviewVersions": ["v1", "v1beta1"], "sideEffects": "None",
            "failurePolicy": "Fail", "matchPolicy": "Equivalent", "reinvocationPolicy": "IfNeeded", "rules": [rule],
            "objectSelector": {"matchLabels": {"azure.workload.identity/use": "true"}},
            "clientConfig": {"service": {
                "namespace": "azure-workload-identity-system", "name": "azure-wi-webhook-webhook-service", "path": "/mutate-v1-pod",
            }},
        }],
    })
}

fn found(finding: &Value) -> Found {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (object, location) = (&finding["object"], &finding["location"]);
    let place = if object.is_null() {
        format!("API server {}", text(&location["apiPath"]))
    } else {
        let namespace = object["namespace"].as_str().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{} {namespace}{} {}", text(&object["kind"]), text(&object["name"]), text(&location["path"]))
    };
    (text(&finding["rule"]), place.trim_end().to_owned())
}

/// Compares locations; `*` in `expected` stands for a part of a name that a controller generates.
fn is_location(found: &str, expected: &str) -> bool {
    match expected.split_once('*') {
        None => found == expected,
        Some((begin, end)) => found.starts_with(begin) && found.ends_with(end),
    }
}
