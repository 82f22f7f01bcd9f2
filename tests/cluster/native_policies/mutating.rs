//! What the mutating policies set, with each version of their API.

use super::{administrator, gateway, generated, install};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use test_support::control_plane::ControlPlane;
use test_support::gateways::{template, workload};
use test_support::webhook::{User, eventually, not_run};

const DOCUMENT: &str = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  namespaces:
    guarded:
      serviceAccount: payments
      clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
      tenantId: 2f4a6b8c-1111-2222-3333-444455556666
";

/// An administrator of a control plane that has the policies that these arguments generate; `None` if it does not serve
/// this version of their API.
async fn guarded(control_plane: &ControlPlane, api_version: &str, arguments: &[&str]) -> Option<User> {
    let user = administrator(control_plane, "guarded").await;
    let served = user.get(&format!("/apis/admissionregistration.k8s.io/{api_version}")).await.body;
    let mut resources = served["resources"].as_array().into_iter().flatten();
    if !resources.any(|one| one["name"] == "mutatingadmissionpolicies") {
        not_run(&format!("this version of Kubernetes has no MutatingAdmissionPolicy {api_version}"));
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, DOCUMENT).unwrap();
    let objects = generated(&[&["map", "--policy", file.to_str().unwrap()], arguments].concat());
    let expected = format!("admissionregistration.k8s.io/{api_version}");
    assert!(objects.iter().all(|object| object["apiVersion"] == expected.as_str()), "{objects:?}");
    install(&user, &objects).await;
    Some(user)
}

async fn sets_what_the_webhook_would_set(control_plane: Arc<ControlPlane>, api_version: &str, arguments: &[&str]) {
    let _logs = control_plane.show_logs_on_panic();
    let Some(user) = guarded(&control_plane, api_version, arguments).await else { return };
    for (kind, account) in [("CronJob", json!("payments")), ("Deployment", json!("payments")), ("Pod", Value::Null)] {
        let bare = bare(kind);
        eventually("the label", || async {
            (identity_of(&user, &bare).await == json!(["true", account])).then_some(())
        })
        .await;
    }
    let mut other = workload("Deployment", json!({"containers": [{"name": "a", "image": "nginx"}]}));
    template(&mut other)["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
    assert_eq!(identity_of(&user, &other).await, json!([null, null]));
    // whether it is ingress-only can be in its ConfigMap
    assert_eq!(identity_of(&user, &without_settings()).await, json!([null, null]));
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "payments"}});
    eventually("the ids", || async {
        let metadata = user.apply_with(&account, "?dryRun=All").await.stored()["metadata"].clone();
        let annotations = json!({
            "azure.workload.identity/client-id": "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10",
            "azure.workload.identity/tenant-id": "2f4a6b8c-1111-2222-3333-444455556666",
        });
        (metadata["annotations"] == annotations && metadata["labels"] == json!({"azure.workload.identity/use": "true"}))
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutating_policy_sets_what_the_webhook_would_set() {
    let Some(control_plane) = ControlPlane::own_without_controllers() else { return };
    sets_what_the_webhook_would_set(control_plane, "v1", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutating_policy_of_the_beta_api_does_the_same() {
    let Some(control_plane) = ControlPlane::own_with_beta_features() else { return };
    sets_what_the_webhook_would_set(control_plane, "v1beta1", &["--api-version", "v1beta1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ingress_only_gateways_a_mutating_policy_also_covers_those_that_can_be_one() {
    let Some(control_plane) = ControlPlane::own_without_controllers() else { return };
    let _logs = control_plane.show_logs_on_panic();
    let Some(user) = guarded(&control_plane, "v1", &["--no-ingress-only"]).await else { return };
    let bare = without_settings();
    eventually("the label", || async {
        (identity_of(&user, &bare).await == json!(["true", "payments"])).then_some(())
    })
    .await;
}

/// A gateway without label and ServiceAccount that certainly authenticates.
fn bare(kind: &str) -> Value {
    let env = json!({"env": [{"name": "config.service.endpoint", "value": "contoso.configuration.azure-api.net"}]});
    without_identity(gateway(kind, env))
}

/// The same with all settings in a ConfigMap.
fn without_settings() -> Value {
    without_identity(gateway("Deployment", json!({"envFrom": [{"configMapRef": {"name": "orders-env"}}]})))
}

fn without_identity(mut object: Value) -> Value {
    let template = template(&mut object);
    template["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
    template["spec"].as_object_mut().unwrap().remove("serviceAccountName");
    object
}

/// The label and the ServiceAccount that a workload gets. Without controllers, the plugin that sets the ServiceAccount of
/// a Pod is off.
async fn identity_of(user: &User, object: &Value) -> Value {
    let mut stored = user.apply_with(object, "?dryRun=All").await.stored();
    let template = template(&mut stored);
    json!([template["metadata"]["labels"]["azure.workload.identity/use"], template["spec"]["serviceAccountName"]])
}
