//! What stands in `deploy/` is taken by a real API server as it is, without a warning.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod control_plane;
mod webhook;

use webhook::{Webhook, documents};

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_deployment_is_accepted_and_keeps_the_restricted_pod_security() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("deployed", None).await;
    let labels = serde_json::json!({"metadata": {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}});
    user.patch_namespace(&labels).await.stored();
    for object in documents(include_str!("../deploy/apim-keyless.yaml")) {
        // what belongs to no namespace is there already: the webhook of the tests runs by these very roles
        if !["Namespace", "ClusterRole", "ClusterRoleBinding"].iter().any(|kind| object["kind"] == *kind) {
            let answer = user.apply(&object).await;
            assert_eq!(answer.warnings, Vec::<String>::new(), "{}", answer.body);
            answer.stored();
        }
    }
}
