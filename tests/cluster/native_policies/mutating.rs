//! What the mutating policies set.

use super::{administrator, gateway, generated, install};
use serde_json::{Value, json};
use std::fs;
use test_support::control_plane::ControlPlane;
use test_support::gateways::{template, workload};
use test_support::webhook::{User, eventually, not_run};

#[tokio::test(flavor = "multi_thread")]
async fn a_mutating_policy_sets_what_the_webhook_would_set() {
    let document = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  namespaces:
    guarded:
      serviceAccount: payments
      clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
      tenantId: 2f4a6b8c-1111-2222-3333-444455556666
";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, document).unwrap();
    let Some(control_plane) = ControlPlane::own_without_controllers() else { return };
    let _logs = control_plane.show_logs_on_panic();
    let user = administrator(&control_plane, "guarded").await;
    let served = user.get("/apis/admissionregistration.k8s.io/v1").await.body;
    if !served["resources"].as_array().unwrap().iter().any(|one| one["name"] == "mutatingadmissionpolicies") {
        return not_run("this version of Kubernetes has no MutatingAdmissionPolicy v1");
    }
    install(&user, &generated(&["map", "--policy", file.to_str().unwrap()])).await;
    for (kind, account) in [("CronJob", json!("payments")), ("Deployment", json!("payments")), ("Pod", Value::Null)] {
        eventually("the label", || async {
            (identity_of_bare(&user, kind).await == json!(["true", account])).then_some(())
        })
        .await;
    }
    let mut other = workload("Deployment", json!({"containers": [{"name": "a", "image": "nginx"}]}));
    template(&mut other)["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
    let stored = user.apply_with(&other, "?dryRun=All").await.stored();
    assert!(stored["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"].is_null());
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

/// The label and the ServiceAccount that a gateway without both gets. Without controllers, the plugin that sets the
/// ServiceAccount of a Pod is off.
async fn identity_of_bare(user: &User, kind: &str) -> Value {
    let env = json!({"env": [{"name": "config.service.endpoint", "value": "contoso.configuration.azure-api.net"}]});
    let mut bare = gateway(kind, env);
    template(&mut bare)["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
    template(&mut bare)["spec"].as_object_mut().unwrap().remove("serviceAccountName");
    let mut stored = user.apply_with(&bare, "?dryRun=All").await.stored();
    let template = template(&mut stored);
    json!([template["metadata"]["labels"]["azure.workload.identity/use"], template["spec"]["serviceAccountName"]])
}
