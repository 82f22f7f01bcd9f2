//! Gateways of every kind, right ones and such as are wrong in one thing, as an API server takes them.

#![allow(dead_code, reason = "each test binary includes this module and uses its own part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "only tests call this")]

use serde_json::{Value, json};

/// Every kind with a pod template.
pub(crate) const KINDS: [&str; 9] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];
/// The three lists of containers.
pub(crate) const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
/// An image that can use workload identity.
pub(crate) const IMAGE: &str = "mcr.microsoft.com/azure-api-management/gateway:2.11.1";
/// An image that can't.
pub(crate) const OLD_IMAGE: &str = "mcr.microsoft.com/azure-api-management/gateway:2.9.2";

/// What is expected of these gateways.
pub(crate) const POLICY: &str = "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: tests}
spec:
  defaults:
    clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
    serviceAccount: apim-gateway-workload-identity
    configMap: apim-gateway-env
  images: [registry.example/apim/gateway]
";

/// A container that nothing is wrong with.
pub(crate) fn right_container() -> Value {
    json!({"name": "gateway", "image": IMAGE, "envFrom": [{"configMapRef": {"name": "apim-gateway-env"}}]})
}

/// The auth setting out of a Secret.
pub(crate) fn key() -> Value {
    json!({"name": "config.service.auth", "valueFrom": {"secretKeyRef": {"name": "orders-token", "key": "value"}}})
}

/// A container that is wrong in one thing each, and the rule that refuses it.
pub(crate) fn wrong_containers() -> Vec<(&'static str, Value)> {
    let with = |members: Value| merged(right_container(), members);
    let literal = json!({"name": "CONFIG__SERVICE__AUTH", "value": "GatewayKey orders&202601010000&bm90IGEga2V5"});
    vec![
        ("auth-key-reference", with(json!({"env": [key()]}))),
        ("auth-key-reference", with(json!({"envFrom": [{"secretRef": {"name": "all"}}, configuration()]}))),
        ("auth-key-reference", with(json!({"image": "registry.example/mirror:1", "env": [key()]}))),
        ("auth-key-literal", with(json!({"env": [literal]}))),
        ("other-auth-method", with(json!({"env": [{"name": "config.service.auth", "value": "azureAdApp"}]}))),
        ("unsupported-version", with(json!({"image": OLD_IMAGE}))),
    ]
}

fn configuration() -> Value {
    json!({"configMapRef": {"name": "apim-gateway-env"}})
}

/// A workload that nothing is wrong with.
pub(crate) fn right(kind: &str) -> Value {
    with_container(kind, "containers", right_container())
}

/// A workload with a container in one of the lists; what else is in it is right.
pub(crate) fn with_container(kind: &str, list: &str, mut container: Value) -> Value {
    let mut spec = json!({"serviceAccountName": "apim-gateway-workload-identity", "containers": [right_container()]});
    if list != "containers" {
        container["name"] = json!("another");
    }
    spec[list] = json!([container]);
    workload(kind, spec)
}

/// A workload of this spec of its Pods.
pub(crate) fn workload(kind: &str, mut spec: Value) -> Value {
    let labels = json!({"app": "gateway", "azure.workload.identity/use": "true"});
    if kind.ends_with("Job") {
        spec["restartPolicy"] = json!("Never");
    }
    let template = json!({"metadata": {"labels": labels}, "spec": spec});
    let selector = json!({"matchLabels": {"app": "gateway"}});
    let mut object = match kind {
        "CronJob" => json!({"spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": template}}}}),
        "Job" => json!({"spec": {"template": template}}),
        "Pod" => template,
        "PodTemplate" => json!({"template": template}),
        "ReplicationController" => json!({"spec": {"selector": {"app": "gateway"}, "template": template}}),
        _ => json!({"spec": {"selector": selector, "template": template}}),
    };
    object["apiVersion"] = json!(match kind {
        "CronJob" | "Job" => "batch/v1",
        "Pod" | "PodTemplate" | "ReplicationController" => "v1",
        _ => "apps/v1",
    });
    object["kind"] = json!(kind);
    object["metadata"]["name"] = json!("gateway");
    object
}

/// The pod template of a workload; of a Pod, itself.
pub(crate) fn template(object: &mut Value) -> &mut Value {
    let at = match object["kind"].as_str().unwrap() {
        "CronJob" => "/spec/jobTemplate/spec/template",
        "Pod" => "",
        "PodTemplate" => "/template",
        _ => "/spec/template",
    };
    object.pointer_mut(at).unwrap()
}

/// An object whose members are `members` where these have any.
pub(crate) fn merged(mut object: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("members are an object") };
    object.as_object_mut().unwrap().extend(members);
    object
}
