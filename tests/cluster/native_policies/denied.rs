//! What the validating policies deny, and what they leave alone.

use super::{Guarded, denied_by_webhook, denied_rule, gateway, with_key};
use apim_keyless_core::gateway::RelatedObjects;
use apim_keyless_core::policy::Policy;
use serde_json::{Value, json};
use std::fs;
use test_support::gateways::{IMAGE, OLD_IMAGE, merged, template, workload};
use test_support::webhook::{User, eventually};

const KEY: &str = "GatewayKey orders&202601010000&c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl";

/// Objects that a native policy denies, and for which rule.
fn wrong() -> Vec<(&'static str, Value)> {
    let env = |name: &str, value: &str| json!({"env": [{"name": name, "value": value}]});
    let endpoint = || env("config.service.endpoint", "contoso.configuration.azure-api.net");
    let mut wrong = Vec::new();
    for kind in ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"] {
        wrong.push(("auth-key-literal", gateway(kind, env("CONFIG__SERVICE__AUTH", KEY))));
        let secret = json!({"secretKeyRef": {"name": "orders", "key": "value"}});
        let reference = json!({"env": [{"name": "config.service.auth.key", "valueFrom": secret}]});
        wrong.push(("auth-key-reference", gateway(kind, reference)));
        wrong.push(("auth-key-reference", gateway(kind, json!({"envFrom": [{"secretRef": {"name": "orders"}}]}))));
        for tag in ["2.9.2", "v2.10.1", "2.10", "1", "v1-preview", "beta", "2.10.9-orders"] {
            let image = json!({"image": format!("registry.example:5000/azure-api-management/gateway:{tag}")});
            wrong.push(("unsupported-version", gateway(kind, merged(image, endpoint()))));
        }
        let mut unlabeled = gateway(kind, endpoint());
        template(&mut unlabeled)["metadata"]["labels"]["azure.workload.identity/use"] = json!("false");
        wrong.push(("missing-identity-label", unlabeled));
        let mut without_account = gateway(kind, endpoint());
        template(&mut without_account)["spec"]["serviceAccountName"] = json!("default");
        wrong.push(("missing-service-account", without_account));
    }
    for key in ["config.service.auth", "DOTNET_Config__Service__Auth__Key"] {
        for value in [KEY, KEY.trim_start_matches("GatewayKey "), "GatewayKey x", " sharedaccesssignature x"] {
            let map =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env"}, "data": {key: value}});
            wrong.push(("auth-key-literal", map));
        }
    }
    let account = |labels: Value, annotations: Value| {
        let metadata = json!({"name": "marked", "labels": merged(json!({"apim-keyless.dev/gateway": "true"}), labels), "annotations": annotations});
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    };
    wrong.push(("missing-client-id", account(json!({"azure.workload.identity/use": "true"}), json!({}))));
    let client = json!({"azure.workload.identity/client-id": "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"});
    wrong.push(("unlabeled-service-account", account(json!({}), client)));
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_policy_denies_what_it_is_for_and_leaves_alone_what_the_webhook_leaves_alone() {
    let Some(guarded) = Guarded::start(&["vap"]).await else { return };
    let _logs = guarded.control_plane.show_logs_on_panic();
    guarded.wait().await;
    let policy = Policy::default();
    for (rule, object) in wrong() {
        let response = guarded.dry(&object).await;
        assert_eq!(denied_rule(&response), Some(rule), "{object} {}", response.body);
        assert!(denied_by_webhook(&policy, &RelatedObjects::default(), &object).contains(rule), "{rule}: {object}");
    }
    let ingress =
        json!({"env": [{"name": "k8s.ingress.enabled", "value": "true"}], "image": IMAGE.replace(":2.", ":1.")});
    guarded.dry(&gateway("Deployment", ingress)).await.stored();
    guarded.dry(&can_be_ingress_only()).await.stored();
    for object in costliest() {
        guarded.dry(&object).await.stored();
    }
    updates(&guarded).await;
    by_controllers(&guarded.user).await;
    for namespace in ["unlabeled", "kube-system"] {
        let other = match namespace {
            "unlabeled" => User::administrator(&guarded.control_plane, &json!({"name": namespace})).await,
            _ => User::administrator_in(&guarded.control_plane, namespace),
        };
        let label = json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}});
        if namespace == "kube-system" {
            other.patch_namespace(&label).await.stored();
        }
        other.apply_with(&with_key(), "?dryRun=All").await.stored();
    }
}

/// A gateway without the label and with an old image, whose ConfigMap can say that it is ingress-only.
fn can_be_ingress_only() -> Value {
    let container = json!({"image": OLD_IMAGE, "envFrom": [{"configMapRef": {"name": "orders-env"}}]});
    let mut object = gateway("Deployment", container);
    template(&mut object)["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
    object
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ingress_only_gateways_a_policy_also_covers_those_that_can_be_one() {
    let Some(guarded) = Guarded::start(&["vap", "--no-ingress-only"]).await else { return };
    let _logs = guarded.control_plane.show_logs_on_panic();
    guarded.wait().await;
    let mut object = can_be_ingress_only();
    assert_eq!(denied_rule(&guarded.dry(&object).await), Some("missing-identity-label"));
    template(&mut object)["metadata"]["labels"]["azure.workload.identity/use"] = json!("true");
    assert_eq!(denied_rule(&guarded.dry(&object).await), Some("unsupported-version"));
    template(&mut object)["spec"]["containers"][0]["image"] = json!(IMAGE);
    guarded.dry(&object).await.stored();
    template(&mut object)["spec"].as_object_mut().unwrap().remove("serviceAccountName");
    assert_eq!(denied_rule(&guarded.dry(&object).await), Some("missing-service-account"));
    for object in costliest() {
        guarded.dry(&object).await.stored();
    }
}

/// The costliest objects of other applications within the bounds, and larger ones, of which one would cost too much.
fn costliest() -> Vec<Value> {
    let name = "aspnetcore_config__service__auth__azuread__certificatepatx";
    let of = |containers: usize, env: usize, sources: usize| {
        let container = |index: usize| {
            json!({
                "name": format!("c{index}"), "image": format!("{}:{}", "a/azure-api-management/gatewax".repeat(7), "a".repeat(100)),
                "env": vec![json!({"name": name, "value": KEY}); env / containers],
                "envFrom": vec![json!({"secretRef": {"name": "a"}}); sources / containers],
            })
        };
        workload("Deployment", json!({"containers": (0..containers).map(container).collect::<Vec<_>>()}))
    };
    let data: serde_json::Map<String, Value> =
        (0..4000).map(|key| (format!("config.service.auth.kex{key:014}"), json!(KEY))).collect();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
    vec![of(50, 500, 50), of(1, 500, 64), of(1, 501, 0), of(51, 0, 0), of(1, 0, 65), of(1, 20_000, 0), map]
}

/// An update that leaves the template alone, and one of a workload that is being deleted, is allowed.
async fn updates(guarded: &Guarded) {
    let user = &guarded.user;
    let mode = |mode: &str| json!({"metadata": {"labels": {"apim-keyless.dev/mode": mode}}});
    user.patch_namespace(&mode("off")).await.stored();
    let mut object = with_key();
    object["metadata"]["finalizers"] = json!(["example.com/wait"]);
    eventually("the namespace is off", || async { (user.apply(&object).await.status == 201).then_some(()) }).await;
    user.patch_namespace(&mode("enforce")).await.stored();
    guarded.wait().await;
    user.patch(&object, "", &json!({"spec": {"replicas": 3}, "metadata": {"labels": {"a": "b"}}})).await.stored();
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    assert_eq!(denied_rule(&user.patch(&object, "", &restart).await), Some("auth-key-reference"));
    user.delete(&object).await.stored();
    user.patch(&object, "", &restart).await.stored();
    user.patch(&object, "", &json!({"metadata": {"finalizers": null}})).await.stored();
}

/// What a workload controller makes for an owner is left alone.
async fn by_controllers(user: &User) {
    let mut pod = gateway("Pod", json!({"env": [{"name": "config.service.auth", "value": KEY}]}));
    let uid = "00000000-0000-0000-0000-000000000001";
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": uid, "controller": true}]);
    assert_eq!(denied_rule(&user.apply_with(&pod, "?dryRun=All").await), Some("auth-key-literal"));
    let controller = user.impersonating("system:serviceaccount:kube-system:replicaset-controller");
    controller.apply_with(&pod, "?dryRun=All").await.stored();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_chooses_modes_exceptions_and_expectations() {
    let document = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  defaults: {minimumVersion: 2.12.0}
  namespaces: {guarded: {allowedSecrets: [tracing], serviceAccount: orders, minimumVersion: 2.13.0}}
  rules: {missing-identity-label: audit, missing-service-account: off}
  exceptions:
  - {rule: auth-key-reference, namespace: guarded, name: old-*, reason: moves in May, expires: 2099-05-31}
";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, document).unwrap();
    let Some(guarded) = Guarded::start(&["vap", "--policy", file.to_str().unwrap()]).await else { return };
    let _logs = guarded.control_plane.show_logs_on_panic();
    guarded.wait().await;
    let mut excepted = with_key();
    excepted["metadata"]["name"] = json!("old-gateway");
    let image = "mcr.microsoft.com/azure-api-management/gateway:2.13.0";
    template(&mut excepted)["spec"]["containers"][0]["image"] = json!(image);
    guarded.dry(&excepted).await.stored();
    let source = |name: &str| gateway("Deployment", json!({"envFrom": [{"secretRef": {"name": name}}]}));
    assert_eq!(denied_rule(&guarded.dry(&source("tracings")).await), Some("auth-key-reference"));
    let tagged = |tag: &str| {
        let image = format!("mcr.microsoft.com/azure-api-management/gateway:{tag}");
        gateway("Deployment", json!({"image": image, "env": [{"name": "config.service.endpoint", "value": "a"}]}))
    };
    assert_eq!(denied_rule(&guarded.dry(&tagged("2.12.9")).await), Some("unsupported-version"));
    guarded.dry(&tagged("2.13.0")).await.stored();
    let mut unlabeled = tagged("2.13.0");
    template(&mut unlabeled)["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
    template(&mut unlabeled)["spec"]["serviceAccountName"] = json!("default");
    // the rules in audit have a policy of their own, which the API server may start to use later than the others
    eventually("a warning of a native policy", || async {
        let response = guarded.dry(&unlabeled).await;
        let is_warned = response.warnings.iter().any(|text| text.contains("missing-identity-label"));
        response.stored();
        is_warned.then_some(())
    })
    .await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "orders"}});
    assert!(denied_rule(&guarded.dry(&account).await).is_some());
}
