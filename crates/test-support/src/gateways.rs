//! Gateways of every kind, valid ones and ones with a single error, in a form that an API server accepts.

use serde_json::{Value, json};

/// Every kind with a pod template.
pub const KINDS: [&str; 9] = [
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
/// Kinds of other API groups with a pod template. `ScheduledTask` and `GatewayTemplate` are invented: they have it where
/// a `CronJob` and a `PodTemplate` have it.
pub const OTHER_KINDS: [(&str, &str); 6] = [
    ("argoproj.io/v1alpha1", "Rollout"),
    ("apps.kruise.io/v1alpha1", "CloneSet"),
    ("apps.openshift.io/v1", "DeploymentConfig"),
    ("serving.knative.dev/v1", "Service"),
    ("example.com/v1", "ScheduledTask"),
    ("example.com/v1", "GatewayTemplate"),
];
/// The user name of the controller of Argo Rollouts.
pub const ROLLOUTS: &str = "system:serviceaccount:argo-rollouts:argo-rollouts";
/// The user name of the controller of `OpenKruise`.
pub const KRUISE: &str = "system:serviceaccount:kruise-system:kruise-manager";

/// The three container lists of a pod spec.
pub const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
/// An image that supports workload identity.
pub const IMAGE: &str = "mcr.microsoft.com/azure-api-management/gateway:2.11.1";
/// An image that does not support workload identity.
pub const OLD_IMAGE: &str = "mcr.microsoft.com/azure-api-management/gateway:2.9.2";

/// The policy document with the expectations for these gateways.
pub const POLICY: &str = "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: tests}
spec:
  defaults:
    clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
    serviceAccount: apim-gateway-workload-identity
    configMap: apim-gateway-env
  images: [registry.example/apim/gateway]
  controllers:
    argoproj.io: ['system:serviceaccount:argo-rollouts:argo-rollouts']
    apps.kruise.io: [system:serviceaccount:kruise-system:kruise-manager]
";

/// A container without findings.
pub fn valid_container() -> Value {
    json!({"name": "gateway", "image": IMAGE, "envFrom": [{"configMapRef": {"name": "apim-gateway-env"}}]})
}

/// An `env` entry that takes the auth setting from a Secret.
pub fn auth_key_env() -> Value {
    json!({"name": "config.service.auth", "valueFrom": {"secretKeyRef": {"name": "orders-token", "key": "value"}}})
}

/// A gateway container that takes a key from a Secret.
pub fn container_with_auth_key() -> Value {
    merged(valid_container(), json!({"env": [auth_key_env()]}))
}

/// Containers with one error each, and the rule that denies it.
pub fn invalid_containers() -> Vec<(&'static str, Value)> {
    let with = |members: Value| merged(valid_container(), members);
    let literal = json!({"name": "CONFIG__SERVICE__AUTH", "value": "GatewayKey orders&202601010000&bm90IGEga2V5"});
    vec![
        ("auth-key-reference", with(json!({"env": [auth_key_env()]}))),
        ("auth-key-reference", with(json!({"envFrom": [{"secretRef": {"name": "all"}}, configuration()]}))),
        ("auth-key-reference", with(json!({"image": "registry.example/mirror:1", "env": [auth_key_env()]}))),
        ("auth-key-literal", with(json!({"env": [literal]}))),
        ("entra-app-auth-method", with(json!({"env": [{"name": "config.service.auth", "value": "azureAdApp"}]}))),
        ("unsupported-version", with(json!({"image": OLD_IMAGE}))),
    ]
}

fn configuration() -> Value {
    json!({"configMapRef": {"name": "apim-gateway-env"}})
}

/// A workload without findings.
pub fn valid(kind: &str) -> Value {
    with_container(kind, "containers", valid_container())
}

/// A workload with `container` in one of the three lists. The rest of it is valid.
pub fn with_container(kind: &str, list: &str, mut container: Value) -> Value {
    let mut spec = json!({"serviceAccountName": "apim-gateway-workload-identity", "containers": [valid_container()]});
    if list != "containers" {
        container["name"] = json!("another");
    }
    spec[list] = json!([container]);
    workload(kind, spec)
}

/// A workload with this pod spec.
pub fn workload(kind: &str, mut spec: Value) -> Value {
    let labels = json!({"app": "gateway", "azure.workload.identity/use": "true"});
    if kind.ends_with("Job") {
        spec["restartPolicy"] = json!("Never");
    }
    let template = json!({"metadata": {"labels": labels}, "spec": spec});
    let selector = json!({"matchLabels": {"app": "gateway"}});
    let mut object = match kind {
        "CronJob" | "ScheduledTask" => {
            json!({"spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": template}}}})
        }
        "Job" => json!({"spec": {"template": template}}),
        "Pod" => template,
        "GatewayTemplate" | "PodTemplate" => json!({"template": template}),
        "ReplicationController" => json!({"spec": {"selector": {"app": "gateway"}, "template": template}}),
        _ => json!({"spec": {"selector": selector, "template": template}}),
    };
    let other = OTHER_KINDS.iter().find(|(_, other)| *other == kind);
    object["apiVersion"] = json!(match kind {
        "CronJob" | "Job" => "batch/v1",
        "Pod" | "PodTemplate" | "ReplicationController" => "v1",
        _ => other.map_or("apps/v1", |(version, _)| version),
    });
    object["kind"] = json!(kind);
    object["metadata"]["name"] = json!("gateway");
    object
}

/// The pod template of a workload; for a Pod, the Pod itself.
pub fn template(object: &mut Value) -> &mut Value {
    let at = match object["kind"].as_str().unwrap() {
        "CronJob" | "ScheduledTask" => "/spec/jobTemplate/spec/template",
        "Pod" => "",
        "GatewayTemplate" | "PodTemplate" => "/template",
        _ => "/spec/template",
    };
    object.pointer_mut(at).unwrap()
}

/// `object` with the members of `members` added or replaced.
pub fn merged(mut object: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("members are an object") };
    object.as_object_mut().unwrap().extend(members);
    object
}
