//! Updates of existing objects: no running gateway breaks, and a second mutation changes nothing.

use serde_json::json;
use test_support::webhook::objects::{BARE, OLD_IMAGE, PORTAL, authored, one, review};
use test_support::webhook::{Webhook, documents, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn turning_enforcement_on_breaks_no_running_gateway() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("old", None).await;
    let old = one(PORTAL, "Deployment");
    let template = user.apply(&old).await.stored()["spec"]["template"].clone();
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    eventually("enforcement", || async {
        (user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await.status == 403).then_some(())
    })
    .await;

    user.patch(&old, "/scale", &json!({"spec": {"replicas": 3}})).await.stored();
    user.patch(&old, "", &json!({"spec": {"replicas": 2}, "metadata": {"annotations": {"team": "payments"}}}))
        .await
        .stored();
    user.patch(&old, "/status", &json!({"status": {"observedGeneration": 1}})).await.stored();
    if webhook.control_plane.has_controllers() {
        let count = || async { Some(user.list("/api/v1/namespaces/old/pods").await.len()).filter(|count| *count == 2) };
        eventually("both Pods", count).await;
        let pod = user.list("/api/v1/namespaces/old/pods").await.remove(0);
        assert_eq!(
            pod["metadata"]["labels"].get("azure.workload.identity/use"),
            None,
            "a Pod of a gateway from before enforcement is not mutated"
        );
    }
    let restart =
        json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}});
    user.patch(&old, "", &restart).await.denied(&["auth-key-reference"]);
    let account = json!({"spec": {"template": {"spec": {"serviceAccountName": "other"}}}});
    user.patch(&old, "", &account).await.denied(&["auth-key-reference", "unexpected-service-account"]);
    assert_eq!(user.read(&old).await.stored()["spec"]["template"], template);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_mutation_changes_nothing() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("again", Some("enforce")).await;
    for object in documents(BARE) {
        let first = user.server_side_apply(&object).await.stored();
        let second = user.server_side_apply(&object).await.stored();
        assert_eq!(authored(&first), authored(&second), "applied again");
        assert_eq!(first["metadata"]["generation"], second["metadata"]["generation"]);
        // an update of an annotation sends the same object to the webhooks again
        let touched = json!({"metadata": {"annotations": {"touched": "yes"}}});
        let mut third = authored(&user.patch(&object, "", &touched).await.stored());
        third["annotations"].as_object_mut().unwrap().remove("touched");
        assert_eq!(third, authored(&second), "touched");
    }
    let stored = user.read(&one(BARE, "Deployment")).await.stored();
    let response = webhook.post("/enforce/mutate", &review(&stored)).await;
    assert_eq!(response["response"].get("patch"), None, "{response}");
}
