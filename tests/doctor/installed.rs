//! An installation as the chart makes it, in a cluster without nodes: what a kubelet would say of its Pods is said for it.

use crate::front::Front;
use crate::run::{Folder, Ran};
use crate::webhook::{User, Webhook, documents};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The Pods of the installation.
pub(crate) const PODS: &str = "/api/v1/namespaces/apim-keyless/pods?labelSelector=app.kubernetes.io/name=apim-keyless";

/// A running webhook with all that the chart makes beside it, and somebody who examines it.
pub(crate) struct Installed<'a> {
    /// Who may do everything.
    pub(crate) user: User,
    /// The way of who examines it to the API server.
    pub(crate) front: &'a Front,
    folder: Folder,
}

/// The id of a fault, and where it was found.
pub(crate) type Found = (String, String);

impl<'a> Installed<'a> {
    /// Makes what a running webhook of the tests has not: its Deployment and the webhook of azure-workload-identity.
    pub(crate) async fn beside(webhook: &Webhook, front: &'a Front) -> Self {
        let user = webhook.in_namespace("apim-keyless");
        for object in documents(include_str!("../../deploy/install.yaml")) {
            if ["Deployment", "PodDisruptionBudget"].iter().any(|kind| object["kind"] == *kind) {
                user.apply(&object).await.stored();
            }
        }
        user.post(MUTATING, &workload_identity("azure-wi-webhook-mutating-webhook-configuration")).await.stored();
        let folder = Folder::with(&[("kubeconfig", &front.kubeconfig().to_string())]);
        Self { user, front, folder }
    }

    /// Runs the real binary.
    pub(crate) fn examine(&self, arguments: &[&str]) -> Ran {
        self.folder.run(&[&["doctor", "--kubeconfig", "kubeconfig"], arguments].concat())
    }

    /// What is found now.
    pub(crate) fn found(&self) -> Vec<Found> {
        let ran = self.examine(&["--output", "json"]);
        let report = ran.json();
        assert_eq!(report["errors"], json!([]));
        let mut found: Vec<Found> = report["findings"].as_array().unwrap().iter().map(found).collect();
        found.sort();
        found.dedup();
        found
    }

    /// Examines it until exactly this is found, which controllers and the API server may take a moment for.
    pub(crate) async fn until_found(&self, what: &str, expected: &[(&str, &str)]) {
        let start = Instant::now();
        loop {
            self.play_kubelet().await;
            let found = self.found();
            let is_as_expected = |(one, (id, place)): (&Found, &(&str, &str))| one.0 == *id && is_place(&one.1, place);
            if found.len() == expected.len() && found.iter().zip(expected).all(is_as_expected) {
                return;
            }
            assert!(start.elapsed() < Duration::from_mins(1), "{what}: {found:#?}, and not {expected:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Says that Pods run of which nobody has said anything.
    async fn play_kubelet(&self) {
        for mut pod in self.user.list(PODS).await {
            if pod["status"]["containerStatuses"].is_null() {
                pod["apiVersion"] = json!("v1");
                pod["kind"] = json!("Pod");
                pod["status"] = running("True");
                let path = format!("{}/status", self.user.path_of(&pod));
                // the controllers may have been there first
                _ = self.user.put(&path, &pod).await;
            }
        }
    }
}

/// Mutating webhook configurations.
pub(crate) const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

/// What a kubelet says of a Pod whose container runs.
pub(crate) fn running(is_ready: &str) -> Value {
    json!({
        "phase": "Running", "conditions": [{"type": "Ready", "status": is_ready}],
        "containerStatuses": [{
            "name": "apim-keyless", "ready": is_ready == "True", "restartCount": 0, "image": "", "imageID": "",
            "state": {"running": {"startedAt": null}},
        }],
    })
}

/// The configuration of azure-workload-identity's webhook, as its chart makes it but for who answers.
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
    let (object, path) = (&finding["object"], text(&finding["path"]));
    let place = if object.is_null() {
        format!("API server {path}")
    } else {
        let namespace = object["namespace"].as_str().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{} {namespace}{} {path}", text(&object["kind"]), text(&object["name"]))
    };
    (text(&finding["id"]), place.trim_end().to_owned())
}

/// `*` stands for what controllers make up.
fn is_place(found: &str, expected: &str) -> bool {
    match expected.split_once('*') {
        None => found == expected,
        Some((begin, end)) => found.starts_with(begin) && found.ends_with(end),
    }
}
