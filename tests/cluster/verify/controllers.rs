//! `verify` finds the Pods that the real deployment controller makes, and knows which of them are of the current template.

use super::scene::{Objects, Scene};
use serde_json::json;
use test_support::control_plane::ControlPlane;
use test_support::webhook::{eventually, not_run};

#[tokio::test(flavor = "multi_thread")]
async fn the_pods_of_a_rollout_are_told_apart() {
    let Some(control_plane) = ControlPlane::shared() else { return };
    if !control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    // the webhook of other tests expects other names
    let mut objects = Objects { mode: "audit", ..Objects::correct() };
    objects.deployment["metadata"].as_object_mut().unwrap().remove("annotations");
    (objects.replica_set, objects.pods) = (None, Vec::new());
    let scene = Scene::write(&control_plane, "verify-rollout", &objects).await;
    let wait_until = async |expected: &[(&str, usize)]| {
        eventually("the Pods are created", || async {
            let found = scene.found(&[], &["--select", "pod-not-ready,template-outdated,gateway-without-pods"]);
            let pods = |message: &str| message.matches("orders-").count();
            let found: Vec<(&str, usize)> = found.iter().map(|(id, message)| (id.as_str(), pods(message))).collect();
            (found == expected).then_some(())
        })
        .await;
    };
    wait_until(&[("pod-not-ready", 1)]).await;
    let container = json!({"name": "gateway", "image": "mcr.microsoft.com/azure-api-management/gateway:2.12.3"});
    let patch = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
    scene.user.patch_with(&objects.deployment, "application/strategic-merge-patch+json", &patch).await.stored();
    // no kubelet makes the new Pod ready, so the old one stays
    wait_until(&[("template-outdated", 1), ("pod-not-ready", 2)]).await;
}
