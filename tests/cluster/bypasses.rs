//! Ways around the judgement, through a real API server: kinds, lists, makers, and who answers for us.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::gateways::{KINDS, LISTS, key, merged, right, right_container, with_container, wrong_containers};
use crate::routes::{routes, spellings};
use crate::webhook::objects::{ARTICLE, one};
use crate::webhook::{User, Webhook, documents, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A user in an enforced namespace of this name, in which Pods may run under the gateway's account.
pub(super) async fn enforced(webhook: &Webhook, namespace: &str) -> User {
    let user = webhook.user(namespace, Some("enforce")).await;
    user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
    user
}

/// A container that needs a key.
pub(super) fn keyed() -> Value {
    merged(right_container(), json!({"env": [key()]}))
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_init_and_ephemeral_containers_are_judged_like_all_through_the_api_server() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b4").await;
    // the API server takes ephemeral containers in none of them
    for (kind, list) in KINDS.iter().flat_map(|kind| LISTS[..2].iter().map(move |list| (kind, list))) {
        user.apply_with(&with_container(kind, list, right_container()), "?dryRun=All").await.stored();
        for (rule, container) in wrong_containers() {
            user.apply_with(&with_container(kind, list, container), "?dryRun=All").await.refused(&[rule]);
        }
    }
    let pod = right("Pod");
    user.apply(&pod).await.stored();
    for (rule, container) in wrong_containers() {
        let added = json!({"spec": {"ephemeralContainers": [merged(container, json!({"name": "debugger"}))]}});
        user.patch(&pod, "/ephemeralcontainers", &added).await.refused(&[rule]);
    }
    let debugger = json!({"spec": {"ephemeralContainers": [{"name": "debugger", "image": "busybox:1.37"}]}});
    user.patch(&pod, "/ephemeralcontainers", &debugger).await.stored();
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_no_route_and_b6_no_spelling_of_a_key_is_stored() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b5").await;
    let spelt = spellings().into_iter().map(|name| {
        let env = json!([merged(key(), json!({"name": name}))]);
        (
            "auth-key-reference",
            with_container("Deployment", "containers", merged(right_container(), json!({"env": env}))),
        )
    });
    let routed = routes().into_iter().map(|route| (route.rule, route.workload));
    let mut refused = 0;
    for (rule, object) in routed.chain(spelt) {
        let answer = user.apply_with(&object, "?dryRun=All").await;
        // the API server itself refuses some of the names and paths
        if answer.status != 422 {
            answer.refused(&[rule]);
            refused += 1;
        }
    }
    // 81 of Kubernetes 1.30, which takes fewer names than newer ones
    assert!(refused > 75, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_an_owner_counts_only_with_its_own_controller_through_the_api_server() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = enforced(webhook, "b10").await;
    let good = right("ReplicaSet");
    let uid = user.apply(&merged(good, json!({}))).await.stored()["metadata"]["uid"].clone();
    let mut pod = with_container("Pod", "containers", keyed());
    pod["metadata"]["name"] = json!("forged");
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "gateway", "uid": uid, "controller": true}]);
    user.apply_with(&pod, "?dryRun=All").await.refused(&["auth-key-reference"]);
    for controller in ["deployment-controller", "job-controller", "default"] {
        let impostor = user.impersonating(&format!("system:serviceaccount:kube-system:{controller}"));
        impostor.apply_with(&pod, "?dryRun=All").await.refused(&["auth-key-reference"]);
    }
    let elsewhere = user.impersonating("system:serviceaccount:b10:replicaset-controller");
    elsewhere.apply_with(&pod, "?dryRun=All").await.refused(&["auth-key-reference"]);
    // the controller itself was judged by its ReplicaSet
    let controller = user.impersonating("system:serviceaccount:kube-system:replicaset-controller");
    controller.apply_with(&pod, "?dryRun=All").await.stored();
    // one that nobody owns is judged, whoever would adopt it
    user.apply_with(&with_container("ReplicaSet", "containers", keyed()), "?dryRun=All")
        .await
        .refused(&["auth-key-reference"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_every_served_kind_that_holds_a_pod_template_is_registered() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("b18", None).await;
    let schema = user.get("/openapi/v2").await.stored();
    let served = kinds_that_hold(&schema["definitions"], "io.k8s.api.core.v1.PodSpec");
    assert_eq!(served, KINDS.map(str::to_owned).into(), "a kind that holds a pod template and is not registered");
    let installed = documents(include_str!("../../deploy/install.yaml"));
    let entries: Vec<&Value> = installed.iter().filter_map(|object| object["webhooks"].as_array()).flatten().collect();
    assert_eq!(entries.len(), 4);
    for entry in entries {
        assert_eq!(entry["matchPolicy"], "Equivalent", "{}", entry["name"]);
        let resources = entry["rules"].to_string();
        for kind in KINDS {
            assert!(resources.contains(&format!("\"{}s\"", kind.to_lowercase())), "{} {kind}", entry["name"]);
        }
    }
}

/// The kinds, lists left out, whose definitions lead to this one.
fn kinds_that_hold(definitions: &Value, held: &str) -> BTreeSet<String> {
    let definitions = definitions.as_object().unwrap();
    let mut holders = BTreeSet::from([held.to_owned()]);
    for _ in 0..definitions.len() {
        let refers = |definition: &Value, location: &String| {
            definition.to_string().contains(&format!("\"#/definitions/{location}\""))
        };
        let more =
            definitions.iter().filter(|(_, definition)| holders.iter().any(|location| refers(definition, location)));
        let more: Vec<String> = more.map(|(name, _)| name.clone()).collect();
        let before = holders.len();
        holders.extend(more);
        if holders.len() == before {
            break;
        }
    }
    let kinds =
        holders.iter().filter_map(|location| definitions[location]["x-kubernetes-group-version-kind"].as_array());
    let kinds = kinds.flatten().filter_map(|kind| kind["kind"].as_str());
    kinds.filter(|kind| !kind.ends_with("List")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b34_nobody_else_answers_in_our_place() {
    let Some(webhook) = Webhook::shared() else { return };
    let impostor = webhook.hijack("b34").await;
    // no entry but the hijacked one is asked here
    let user = webhook.user("b34", Some("off")).await;
    let counts = || async { (user.apply_with(&right("Deployment"), "?dryRun=All").await.status == 500).then_some(()) };
    eventually("the hijacked entry", counts).await;
    for object in [right("Deployment"), with_container("Deployment", "containers", keyed())] {
        let answer = user.apply(&object).await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(answer.status == 500 && message.contains("certificate signed by unknown authority"), "{}", answer.body);
    }
    assert_eq!(impostor.reviews(), 0, "nothing was told to it");
}
