//! Bypass attempts through a real API server: kinds, container lists, requesters, and another server in place of the
//! webhook.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::gateways::{
    KINDS, LISTS, auth_key_env, container_with_auth_key, invalid_containers, merged, valid, valid_container,
    with_container,
};
use test_support::key_sources::{routes, spellings};
use test_support::webhook::objects::{ARTICLE, one};
use test_support::webhook::{User, Webhook, documents, eventually};

/// A user in an enforced namespace with the gateway's ServiceAccount.
pub(super) async fn enforced(webhook: &Webhook, namespace: &str) -> User {
    let user = webhook.user(namespace, Some("enforce")).await;
    user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_init_and_ephemeral_containers_are_evaluated_like_all_others_through_the_api_server() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b4").await;
    // the API server accepts ephemeral containers only in the subresource of a Pod
    for (kind, list) in KINDS.iter().flat_map(|kind| LISTS[..2].iter().map(move |list| (kind, list))) {
        user.apply_with(&with_container(kind, list, valid_container()), "?dryRun=All").await.stored();
        for (rule, container) in invalid_containers() {
            user.apply_with(&with_container(kind, list, container), "?dryRun=All").await.denied(&[rule]);
        }
    }
    let pod = valid("Pod");
    user.apply(&pod).await.stored();
    for (rule, container) in invalid_containers() {
        let added = json!({"spec": {"ephemeralContainers": [merged(container, json!({"name": "debugger"}))]}});
        user.patch(&pod, "/ephemeralcontainers", &added).await.denied(&[rule]);
    }
    let debugger = json!({"spec": {"ephemeralContainers": [{"name": "debugger", "image": "busybox:1.37"}]}});
    user.patch(&pod, "/ephemeralcontainers", &debugger).await.stored();
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_no_route_and_b6_no_spelling_of_a_key_is_stored() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b5").await;
    let by_spelling = spellings().into_iter().map(|name| {
        let env = json!([merged(auth_key_env(), json!({"name": name}))]);
        (
            "auth-key-reference",
            with_container("Deployment", "containers", merged(valid_container(), json!({"env": env}))),
        )
    });
    let by_route = routes().into_iter().map(|route| (route.rule, route.workload));
    let mut denied = 0;
    for (rule, object) in by_route.chain(by_spelling) {
        let response = user.apply_with(&object, "?dryRun=All").await;
        // the API server itself rejects some of the names and paths
        if response.status != 422 {
            response.denied(&[rule]);
            denied += 1;
        }
    }
    // 81 on Kubernetes 1.30, which accepts fewer names than newer versions
    assert!(denied > 75, "{denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_an_owner_counts_only_if_its_own_controller_writes_through_the_api_server() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b10").await;
    let owner = valid("ReplicaSet");
    let uid = user.apply(&merged(owner, json!({}))).await.stored()["metadata"]["uid"].clone();
    let mut pod = with_container("Pod", "containers", container_with_auth_key());
    pod["metadata"]["name"] = json!("forged");
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "gateway", "uid": uid, "controller": true}]);
    user.apply_with(&pod, "?dryRun=All").await.denied(&["auth-key-reference"]);
    for controller in ["deployment-controller", "job-controller", "default"] {
        let other = user.impersonating(&format!("system:serviceaccount:kube-system:{controller}"));
        other.apply_with(&pod, "?dryRun=All").await.denied(&["auth-key-reference"]);
    }
    let in_other_namespace = user.impersonating("system:serviceaccount:b10:replicaset-controller");
    in_other_namespace.apply_with(&pod, "?dryRun=All").await.denied(&["auth-key-reference"]);
    // the Pods of the controller itself are only warned about, because the ReplicaSet was evaluated
    let controller = user.impersonating("system:serviceaccount:kube-system:replicaset-controller");
    controller.apply_with(&pod, "?dryRun=All").await.stored();
    // a ReplicaSet without an owner is evaluated, even if a controller could adopt it
    user.apply_with(&with_container("ReplicaSet", "containers", container_with_auth_key()), "?dryRun=All")
        .await
        .denied(&["auth-key-reference"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_every_served_kind_with_a_pod_template_is_registered() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("b18", None).await;
    let schema = user.get("/openapi/v2").await.stored();
    let served = kinds_that_contain(&schema["definitions"], "io.k8s.api.core.v1.PodSpec");
    assert_eq!(
        served,
        KINDS.map(str::to_owned).into(),
        "the kinds with a pod template differ from the registered ones"
    );
    let installed = documents(include_str!("../../deploy/install.yaml"));
    let entries = installed.iter().filter_map(|object| object["webhooks"].as_array()).flatten();
    let entries: Vec<&Value> = entries.filter(|entry| entry["name"] != "namespaces.apim-keyless.dev").collect();
    assert_eq!(entries.len(), 4);
    for entry in entries {
        assert_eq!(entry["matchPolicy"], "Equivalent", "{}", entry["name"]);
        let resources = entry["rules"].to_string();
        for kind in KINDS {
            assert!(resources.contains(&format!("\"{}s\"", kind.to_lowercase())), "{} {kind}", entry["name"]);
        }
    }
}

/// The kinds, except lists, whose definitions contain this one, directly or indirectly.
fn kinds_that_contain(definitions: &Value, contained: &str) -> BTreeSet<String> {
    let definitions = definitions.as_object().unwrap();
    let mut found = BTreeSet::from([contained.to_owned()]);
    for _ in 0..definitions.len() {
        let refers =
            |definition: &Value, name: &String| definition.to_string().contains(&format!("\"#/definitions/{name}\""));
        let more = definitions.iter().filter(|(_, definition)| found.iter().any(|name| refers(definition, name)));
        let more: Vec<String> = more.map(|(name, _)| name.clone()).collect();
        let before = found.len();
        found.extend(more);
        if found.len() == before {
            break;
        }
    }
    let kinds = found.iter().filter_map(|name| definitions[name]["x-kubernetes-group-version-kind"].as_array());
    let kinds = kinds.flatten().filter_map(|kind| kind["kind"].as_str());
    kinds.filter(|kind| !kind.ends_with("List")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b34_a_server_with_another_ca_cannot_answer_in_place_of_the_webhook() {
    let Some(webhook) = Webhook::shared() else { return };
    let other_server = webhook.register_other_server("b34").await;
    // in this namespace the API server calls only the entry of the other server
    let user = webhook.user("b34", Some("off")).await;
    let is_called =
        || async { (user.apply_with(&valid("Deployment"), "?dryRun=All").await.status == 500).then_some(()) };
    eventually("a call of the other server's entry", is_called).await;
    for object in [valid("Deployment"), with_container("Deployment", "containers", container_with_auth_key())] {
        let response = user.apply(&object).await;
        let message = response.body["message"].as_str().unwrap_or_default();
        let is_rejected = response.status == 500 && message.contains("certificate signed by unknown authority");
        assert!(is_rejected, "{}", response.body);
    }
    assert_eq!(other_server.reviews(), 0, "the other server received a review");
}
