//! Bypass attempts by updates, through a real API server.

use crate::bypasses::enforced;
use serde_json::{Value, json};
use test_support::gateways::{
    OLD_IMAGE, auth_key_env, container_with_auth_key, merged, template, valid, with_container,
};
use test_support::webhook::objects::{ARTICLE, PORTAL, one};
use test_support::webhook::{Webhook, eventually, not_run};

const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn template_with(spec: &Value) -> Value {
    json!({"spec": {"template": {"spec": spec}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_a_config_map_is_evaluated_at_every_write() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b7").await;
    user.apply(&one(ARTICLE, "Deployment")).await.stored();
    let config_map = one(ARTICLE, "ConfigMap");
    let mut with_key = config_map.clone();
    with_key["data"]["config.service.auth"] = json!("GatewayKey orders&202601010000&bm90IGEga2V5");
    user.apply(&with_key).await.denied(&["auth-key-literal"]);
    user.apply(&config_map).await.stored();
    for (key, value, rule) in [
        ("config.service.auth", "GatewayKey x", "auth-key-literal"),
        ("CONFIG__SERVICE__AUTH__KEY", "x", "auth-key-literal"),
        ("config.service.auth", "azureAdApp", "entra-app-auth-method"),
    ] {
        user.patch_with(&config_map, MERGE, &json!({"data": {key: value}})).await.denied(&[rule]);
    }
    user.patch_with(&config_map, MERGE, &json!({"data": {"telemetry.logs.std.level": "warn"}})).await.stored();
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_no_way_to_update_is_a_bypass() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b8").await;
    let gateway = valid("Deployment");
    let stored = user.apply(&gateway).await.stored();
    let invalid = with_container("Deployment", "containers", container_with_auth_key());
    let at = "/spec/template/spec/containers/0";
    let add_to_env = json!([{"op": "add", "path": format!("{at}/env"), "value": [auth_key_env()]}]);
    let replace_template = json!([{"op": "replace", "path": "/spec/template", "value": invalid["spec"]["template"]}]);
    // kubectl set env, set image and rollout undo send such patches
    let named = |members: Value| {
        let container = merged(json!({"name": "gateway"}), members);
        template_with(&json!({"containers": [container]}))
    };
    let mut applied = invalid.clone();
    applied["metadata"]["namespace"] = json!("b8");
    for (media_type, patch, rule) in [
        (MERGE, template_with(&invalid["spec"]["template"]["spec"]), "auth-key-reference"),
        (STRATEGIC, named(json!({"env": [auth_key_env()]})), "auth-key-reference"),
        (STRATEGIC, named(json!({"image": OLD_IMAGE})), "unsupported-version"),
        (STRATEGIC, named(json!({"envFrom": [{"secretRef": {"name": "all"}}]})), "auth-key-reference"),
        ("application/json-patch+json", add_to_env, "auth-key-reference"),
        ("application/json-patch+json", replace_template, "auth-key-reference"),
        ("application/apply-patch+yaml", applied, "auth-key-reference"),
    ] {
        let response = user.patch_with(&gateway, media_type, &patch).await;
        assert!(response.body["message"].to_string().contains(rule), "{media_type} {}", response.body);
        assert_eq!(response.status, 403);
    }
    let mut replacement = stored.clone();
    // without a resourceVersion, because the controllers write to the object as well
    replacement["metadata"]["resourceVersion"] = Value::Null;
    template(&mut replacement)["spec"]["containers"][0]["env"] = json!([auth_key_env()]);
    user.replace(&replacement).await.denied(&["auth-key-reference"]);
    assert_eq!(user.read(&gateway).await.stored()["spec"], stored["spec"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_nobody_can_claim_that_an_object_is_being_deleted() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b8-deleted").await;
    let mut forged = with_container("Deployment", "containers", container_with_auth_key());
    forged["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    forged["metadata"]["finalizers"] = json!(["example.com/hold"]);
    user.apply(&forged).await.denied(&["auth-key-reference"]);
    user.apply(&valid("Deployment")).await.stored();
    forged["metadata"]["namespace"] = json!("b8-deleted");
    let replaced = user.replace(&forged).await;
    assert!([403, 422].contains(&replaced.status), "{}", replaced.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_a_rollback_to_a_revision_with_a_key_is_denied() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("b8-rollback", None).await;
    let old = one(PORTAL, "Deployment");
    let template = user.apply(&old).await.stored()["spec"]["template"].clone();
    user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
    let mut fixed = valid("Deployment")["spec"]["template"].clone();
    fixed["metadata"]["labels"] = template["metadata"]["labels"].clone();
    fixed["metadata"]["labels"]["azure.workload.identity/use"] = json!("true");
    let replace_with = |template: &Value| json!([{"op": "replace", "path": "/spec/template", "value": template}]);
    enforce(&user).await;
    user.patch_with(&old, "application/json-patch+json", &replace_with(&fixed)).await.stored();
    let undone = user.patch_with(&old, "application/json-patch+json", &replace_with(&template)).await;
    assert!(undone.body["message"].to_string().contains("auth-key-reference"), "{}", undone.body);
    assert_eq!(undone.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_no_subresource_stores_a_key() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b9").await;
    let (gateway, mut pod) = (valid("Deployment"), valid("Pod"));
    pod["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "50m"}});
    let (of_gateway, of_pod) = (user.apply(&gateway).await.stored(), user.apply(&pod).await.stored());
    let spec = json!({"containers": [container_with_auth_key()]});
    for sub_resource in ["/status", "/scale"] {
        user.patch(&gateway, sub_resource, &template_with(&spec)).await;
    }
    for sub_resource in ["/status", "/resize", "/ephemeralcontainers"] {
        user.patch(&pod, sub_resource, &json!({"spec": spec})).await;
    }
    let debugger =
        json!({"spec": {"ephemeralContainers": [merged(container_with_auth_key(), json!({"name": "debugger"}))]}});
    user.patch(&pod, "/ephemeralcontainers", &debugger).await;
    for (sub_resource, kind) in [("binding", "Binding"), ("eviction", "Eviction")] {
        let version = if kind == "Binding" { "v1" } else { "policy/v1" };
        let posted = json!({
            "apiVersion": version, "kind": kind, "metadata": {"name": "gateway"},
            "target": {"kind": "Node", "name": "a"}, "spec": spec,
        });
        user.post(&format!("{}/{sub_resource}?dryRun=All", user.path_of(&pod)), &posted).await;
    }
    assert_eq!(user.read(&gateway).await.stored()["spec"]["template"], of_gateway["spec"]["template"]);
    // resize is not registered: it must not change anything that a rule reads, and a fieldRef can read an annotation
    let cpu = json!({"name": "gateway", "resources": {"requests": {"cpu": "100m"}}});
    let with_annotation = json!({"metadata": {"annotations": {"note": "GatewayKey"}}, "spec": {"containers": [cpu]}});
    let resized = user.patch_with_at(&pod, "/resize", "application/strategic-merge-patch+json", &with_annotation).await;
    let pod = user.read(&pod).await.stored();
    if resized.status == 404 {
        not_run("this version of Kubernetes has no pods/resize");
    } else {
        resized.stored();
        assert_eq!(pod["spec"]["containers"][0]["resources"]["requests"]["cpu"], "100m");
    }
    let evaluated = |pod: &Value| {
        let mut containers = pod["spec"]["containers"].clone();
        containers[0].as_object_mut().map(|container| container.remove("resources"));
        (containers, pod["spec"]["ephemeralContainers"].clone(), pod["metadata"]["annotations"].clone())
    };
    assert_eq!(evaluated(&pod), evaluated(&of_pod));
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_a_gateway_written_while_the_label_was_missing_gets_no_exemption() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b11").await;
    let invalid = with_container("Deployment", "containers", container_with_auth_key());
    user.apply(&invalid).await.denied(&["auth-key-reference"]);
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": null}}})).await.stored();
    eventually("the end of enforcement", || async { (user.apply(&invalid).await.status < 300).then_some(()) }).await;
    // no other label of a namespace turns enforcement off
    let others = json!({"control-plane": "true", "kubernetes.azure.com/managedby": "aks", "name": "kube-system"});
    user.patch_namespace(&json!({"metadata": {"labels": others}})).await.stored();
    enforce(&user).await;
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}});
    user.patch_with(&invalid, MERGE, &restart).await.denied(&["auth-key-reference"]);
    user.patch(&invalid, "/scale", &json!({"spec": {"replicas": 2}})).await.stored();
}

/// Adds the mode label to the user's namespace, and waits until it takes effect.
async fn enforce(user: &test_support::webhook::User) {
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    let invalid = with_container("DaemonSet", "containers", container_with_auth_key());
    eventually("enforcement", || async {
        (user.apply_with(&invalid, "?dryRun=All").await.status == 403).then_some(())
    })
    .await;
}
