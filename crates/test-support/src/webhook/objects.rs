//! The objects that the tests write, and the parts of them that the tests compare.

use super::{User, documents};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A complete gateway: the objects of Microsoft's article.
pub const ARTICLE: &str = include_str!("../../../../deploy/examples/01-workload-identity.yaml");
/// The same gateway without the fields that workload identity needs.
pub const BARE: &str = include_str!("../../../../deploy/examples/02-bare.yaml");
/// The manifest that the Azure portal generates: it takes a key from a Secret.
pub const PORTAL: &str = include_str!("../../../../deploy/examples/03-portal-auth-key.yaml");
/// The chart rendered with its default values: it takes a key from a Secret.
pub const CHART_TOKEN: &str = include_str!("../../../../deploy/examples/04-chart-gateway-token.yaml");
/// A complete gateway whose image is too old.
pub const OLD_IMAGE: &str = include_str!("../../../../deploy/examples/05-old-image.yaml");
/// The chart rendered with an Entra app and its client secret.
pub const CHART_ENTRA: &str = include_str!("../../../../tests/manifests/chart-azure-ad-app.yaml");
/// The chart rendered with workload identity.
pub const CHART_IDENTITY: &str = include_str!("../../../../tests/manifests/chart-workload-identity.yaml");

/// Objects of other applications. Nothing may ever stop their writes.
pub const OTHER_APPLICATIONS: &str = "
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

/// The parts of an object that its author wrote, without those that the API server and controllers add.
pub fn authored(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut annotations = metadata["annotations"].as_object().cloned().unwrap_or_default();
    annotations.remove("deployment.kubernetes.io/revision");
    let mut spec = object["spec"].clone();
    if object["kind"] == "Pod" {
        // the token volume has a different name in each Pod
        spec["volumes"] = Value::Null;
        spec["containers"][0]["volumeMounts"] = Value::Null;
    }
    if object["kind"] == "Service" {
        spec["clusterIP"] = Value::Null;
        spec["clusterIPs"] = Value::Null;
    }
    json!({"labels": metadata["labels"], "annotations": annotations, "spec": spec, "data": object["data"]})
}

/// The first object of this kind in a YAML stream.
pub fn one(yaml: &str, kind: &str) -> Value {
    documents(yaml).into_iter().find(|object| object["kind"] == kind).unwrap()
}

/// The authored parts of the stored objects.
pub async fn all_authored(user: &User, objects: &[Value]) -> Vec<Value> {
    let mut authored_parts = Vec::new();
    for object in objects {
        authored_parts.push(authored(&user.read(object).await.stored()));
    }
    authored_parts
}

/// A review for the creation of a Deployment, as the API server sends it.
pub fn review(object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "default",
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "object": object,
        },
    })
}

/// The object with the patch of the response applied.
pub fn patched(object: &Value, response: &Value) -> Value {
    let patch = STANDARD.decode(response["response"]["patch"].as_str().unwrap()).unwrap();
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap()).unwrap();
    patched
}
