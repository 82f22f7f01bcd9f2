//! The objects that the tests write, and what is compared of them.

use super::{User, documents};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The objects of Microsoft's article, complete.
pub(crate) const ARTICLE: &str = include_str!("../../deploy/examples/01-workload-identity.yaml");
/// The same with all that identity needs left out.
pub(crate) const BARE: &str = include_str!("../../deploy/examples/02-bare.yaml");
/// What the Azure portal hands out: a key out of a Secret.
pub(crate) const PORTAL: &str = include_str!("../../deploy/examples/03-portal-auth-key.yaml");
/// The chart's rendering with its default, a key out of a Secret.
pub(crate) const CHART_TOKEN: &str = include_str!("../../deploy/examples/04-chart-gateway-token.yaml");
/// Complete, but for an image that is too old.
pub(crate) const OLD_IMAGE: &str = include_str!("../../deploy/examples/05-old-image.yaml");
/// The chart's rendering with an Entra app and its client secret.
pub(crate) const CHART_ENTRA: &str = include_str!("../manifests/chart-azure-ad-app.yaml");
/// The chart's rendering with workload identity.
pub(crate) const CHART_IDENTITY: &str = include_str!("../manifests/chart-workload-identity.yaml");

/// What other teams write, and what they may do all the time.
pub(crate) const FOREIGN: &str = "
{apiVersion: v1, kind: Secret, metadata: {name: other}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: other}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {LOG_LEVEL: info}}
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {containers: [{name: other, image: 'registry.example/gateway:1', envFrom: [{configMapRef: {name: other}}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: other, image: 'registry.example/azure-api-management/gateway-docs:1', env: [{name: CONFIG, value: a}]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: other}
spec:
  schedule: '0 2 * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: other, image: 'registry.example/other:1'}]}}}}
";

/// What a person wrote of an object; the rest is the API server's and the controllers'.
pub(crate) fn meaning(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut annotations = metadata["annotations"].as_object().cloned().unwrap_or_default();
    annotations.remove("deployment.kubernetes.io/revision");
    let mut spec = object["spec"].clone();
    if object["kind"] == "Pod" {
        // the token's volume has a name of its own in each Pod
        spec["volumes"] = Value::Null;
        spec["containers"][0]["volumeMounts"] = Value::Null;
    }
    if object["kind"] == "Service" {
        spec["clusterIP"] = Value::Null;
        spec["clusterIPs"] = Value::Null;
    }
    json!({"labels": metadata["labels"], "annotations": annotations, "spec": spec, "data": object["data"]})
}

/// The object of this kind in a stream.
pub(crate) fn one(yaml: &str, kind: &str) -> Value {
    documents(yaml).into_iter().find(|object| object["kind"] == kind).unwrap()
}

/// What a person wrote of the stored forms of objects.
pub(crate) async fn meanings(user: &User, objects: &[Value]) -> Vec<Value> {
    let mut meanings = Vec::new();
    for object in objects {
        meanings.push(meaning(&user.read(object).await.stored()));
    }
    meanings
}

/// A review of the creation of an object, as the API server would send it.
pub(crate) fn review(object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "default",
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "object": object,
        },
    })
}

/// The object as the patch of a review's answer makes it.
pub(crate) fn patched(object: &Value, answer: &Value) -> Value {
    let patch = STANDARD.decode(answer["response"]["patch"].as_str().unwrap()).unwrap();
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap()).unwrap();
    patched
}
