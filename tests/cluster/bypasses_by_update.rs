//! Ways around the judgement by a later write, through a real API server.

use crate::bypasses::{enforced, keyed};
use crate::gateways::{OLD_IMAGE, key, right, template, with_container};
use crate::webhook::objects::{ARTICLE, PORTAL, one};
use crate::webhook::{Webhook, eventually};
use serde_json::{Value, json};

const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn template_with(spec: &Value) -> Value {
    json!({"spec": {"template": {"spec": spec}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_a_config_map_is_judged_whenever_it_comes() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b7").await;
    user.apply(&one(ARTICLE, "Deployment")).await.stored();
    let config_map = one(ARTICLE, "ConfigMap");
    let mut with_key = config_map.clone();
    with_key["data"]["config.service.auth"] = json!("GatewayKey orders&202601010000&bm90IGEga2V5");
    user.apply(&with_key).await.refused(&["auth-key-literal"]);
    user.apply(&config_map).await.stored();
    for (key, value, rule) in [
        ("config.service.auth", "GatewayKey x", "auth-key-literal"),
        ("CONFIG__SERVICE__AUTH__KEY", "x", "auth-key-literal"),
        ("config.service.auth", "azureAdApp", "other-auth-method"),
    ] {
        user.patch_with(&config_map, MERGE, &json!({"data": {key: value}})).await.refused(&[rule]);
    }
    user.patch_with(&config_map, MERGE, &json!({"data": {"telemetry.logs.std.level": "warn"}})).await.stored();
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_no_way_to_update_is_a_way_around() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b8").await;
    let gateway = right("Deployment");
    let stored = user.apply(&gateway).await.stored();
    let wrong = with_container("Deployment", "containers", keyed());
    let at = "/spec/template/spec/containers/0";
    let to_env = json!([{"op": "add", "path": format!("{at}/env"), "value": [key()]}]);
    let whole = json!([{"op": "replace", "path": "/spec/template", "value": wrong["spec"]["template"]}]);
    // kubectl set env, set image and rollout undo are such patches
    let named = |members: Value| {
        let container = crate::gateways::merged(json!({"name": "gateway"}), members);
        template_with(&json!({"containers": [container]}))
    };
    let mut applied = wrong.clone();
    applied["metadata"]["namespace"] = json!("b8");
    for (media_type, patch, rule) in [
        (MERGE, template_with(&wrong["spec"]["template"]["spec"]), "auth-key-reference"),
        (STRATEGIC, named(json!({"env": [key()]})), "auth-key-reference"),
        (STRATEGIC, named(json!({"image": OLD_IMAGE})), "unsupported-version"),
        (STRATEGIC, named(json!({"envFrom": [{"secretRef": {"name": "all"}}]})), "auth-key-reference"),
        ("application/json-patch+json", to_env, "auth-key-reference"),
        ("application/json-patch+json", whole, "auth-key-reference"),
        ("application/apply-patch+yaml", applied, "auth-key-reference"),
    ] {
        let refused = user.patch_with(&gateway, media_type, &patch).await;
        assert!(refused.body["message"].to_string().contains(rule), "{media_type} {}", refused.body);
        assert_eq!(refused.status, 403);
    }
    let mut put = stored.clone();
    // the controllers write to it as well
    put["metadata"]["resourceVersion"] = Value::Null;
    template(&mut put)["spec"]["containers"][0]["env"] = json!([key()]);
    user.replace(&put).await.refused(&["auth-key-reference"]);
    assert_eq!(user.read(&gateway).await.stored()["spec"], stored["spec"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_what_is_being_deleted_is_judged_and_can_be_let_go() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b8-deleted").await;
    let mut gateway = right("Deployment");
    gateway["metadata"]["finalizers"] = json!(["example.com/hold"]);
    user.apply(&gateway).await.stored();
    user.delete(&gateway).await.stored();
    assert!(user.read(&gateway).await.stored()["metadata"]["deletionTimestamp"].is_string());
    let patch = template_with(&json!({"containers": [keyed()]}));
    user.patch_with(&gateway, MERGE, &patch).await.refused(&["auth-key-reference"]);
    user.patch_with(&gateway, MERGE, &json!({"metadata": {"finalizers": null}})).await.stored();
    assert_eq!(user.read(&gateway).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_a_rollback_to_a_revision_with_a_key_is_refused() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("b8-rollback", None).await;
    let old = one(PORTAL, "Deployment");
    let template = user.apply(&old).await.stored()["spec"]["template"].clone();
    user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
    let mut cured = right("Deployment")["spec"]["template"].clone();
    cured["metadata"]["labels"] = template["metadata"]["labels"].clone();
    cured["metadata"]["labels"]["azure.workload.identity/use"] = json!("true");
    let to = |template: &Value| json!([{"op": "replace", "path": "/spec/template", "value": template}]);
    enforce(&user).await;
    user.patch_with(&old, "application/json-patch+json", &to(&cured)).await.stored();
    let undone = user.patch_with(&old, "application/json-patch+json", &to(&template)).await;
    assert!(undone.body["message"].to_string().contains("auth-key-reference"), "{}", undone.body);
    assert_eq!(undone.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_no_subresource_brings_a_key_in() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b9").await;
    let (gateway, pod) = (right("Deployment"), right("Pod"));
    let (of_gateway, of_pod) = (user.apply(&gateway).await.stored(), user.apply(&pod).await.stored());
    let spec = json!({"containers": [keyed()]});
    for sub_resource in ["/status", "/scale"] {
        user.patch(&gateway, sub_resource, &template_with(&spec)).await;
    }
    for sub_resource in ["/status", "/resize", "/ephemeralcontainers"] {
        user.patch(&pod, sub_resource, &json!({"spec": spec})).await;
    }
    let debugger =
        json!({"spec": {"ephemeralContainers": [crate::gateways::merged(keyed(), json!({"name": "debugger"}))]}});
    user.patch(&pod, "/ephemeralcontainers", &debugger).await;
    for (sub_resource, kind) in [("binding", "Binding"), ("eviction", "Eviction")] {
        let version = if kind == "Binding" { "v1" } else { "policy/v1" };
        let posted = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "gateway"}, "target": {"kind": "Node", "name": "a"}, "spec": spec});
        user.post(&format!("{}/{sub_resource}?dryRun=All", user.path_of(&pod)), &posted).await;
    }
    assert_eq!(user.read(&gateway).await.stored()["spec"]["template"], of_gateway["spec"]["template"]);
    let containers = |pod: &Value| (pod["spec"]["containers"].clone(), pod["spec"]["ephemeralContainers"].clone());
    assert_eq!(containers(&user.read(&pod).await.stored()), containers(&of_pod));
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_a_label_that_was_gone_for_a_while_excuses_nothing() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b11").await;
    let wrong = with_container("Deployment", "containers", keyed());
    user.apply(&wrong).await.refused(&["auth-key-reference"]);
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": null}}})).await.stored();
    eventually("the end of enforcement", || async { (user.apply(&wrong).await.status < 300).then_some(()) }).await;
    // no other label of a namespace leads out
    let others = json!({"control-plane": "true", "kubernetes.azure.com/managedby": "aks", "name": "kube-system"});
    user.patch_namespace(&json!({"metadata": {"labels": others}})).await.stored();
    enforce(&user).await;
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}});
    user.patch_with(&wrong, MERGE, &restart).await.refused(&["auth-key-reference"]);
    user.patch(&wrong, "/scale", &json!({"spec": {"replicas": 2}})).await.stored();
}

/// Labels the user's namespace, and waits until that counts.
async fn enforce(user: &crate::webhook::User) {
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    let wrong = with_container("DaemonSet", "containers", keyed());
    eventually("enforcement", || async { (user.apply_with(&wrong, "?dryRun=All").await.status == 403).then_some(()) })
        .await;
}
