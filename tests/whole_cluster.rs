//! The scope `cluster`, as the chart registers it: every namespace is judged, other teams' writes don't travel in vain,
//! and an outage stops changes of gateways and nothing else.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod control_plane;
#[path = "bypasses/gateways.rs"]
mod gateways;
mod helm;
mod non_gateway;
mod webhook;

use gateways::{IMAGE, KINDS, workload};
use helm::Helm;
use serde_json::{Value, json};
use webhook::objects::{BARE, FOREIGN, OLD_IMAGE, one};
use webhook::{User, Webhook, documents, eventually, say};

const VALUES: [&str; 3] =
    ["scope=\"cluster\"", "defaultMode=\"enforce\"", "policy.images=[\"registry.example/apim/gateway\"]"];

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_cluster_is_judged_and_outlives_an_outage() {
    let Some(helm) = Helm::shared() else { return };
    let Some(mut webhook) = Webhook::start_with(|_| vec!["--scope=cluster".to_owned()]) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    webhook.register_instead(&helm.template(&VALUES).done()).await;

    every_namespace_is_judged_by_its_mode(&webhook).await;
    only_what_might_be_a_gateways_travels(&webhook).await;
    let user = webhook.user("stopped", None).await;
    webhook.stop();
    others_work_on(&webhook).await;
    let failures = non_gateway::failures(&user).await;
    gateways_are_stopped(&user).await;
    assert_ne!(non_gateway::failures(&user).await, failures, "a call that fails is counted");
}

async fn every_namespace_is_judged_by_its_mode(webhook: &Webhook) {
    let old = one(OLD_IMAGE, "Deployment");
    let unlabelled = webhook.user("unlabelled", None).await;
    unlabelled.apply(&old).await.refused(&["unsupported-version"]);
    let mended = unlabelled.apply(&one(BARE, "Deployment")).await.stored();
    assert_eq!(mended["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], "true");
    let audited = webhook.user("audited", Some("audit")).await;
    let told = audited.apply(&old).await;
    assert!(told.warnings.iter().any(|warning| warning.contains("unsupported-version")), "{:?}", told.warnings);
    told.stored();
    let left_alone = webhook.user("left-alone", Some("off")).await;
    assert_eq!(left_alone.apply(&old).await.warnings, Vec::<String>::new());
    assert_eq!(webhook.events("left-alone"), Vec::<Value>::new());
}

async fn only_what_might_be_a_gateways_travels(webhook: &Webhook) {
    for (namespace, mode) in [("others", None), ("audited-others", Some("audit"))] {
        let user = webhook.user(namespace, mode).await;
        eventually("the default ServiceAccount", || async {
            let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
            (!user.list(&path).await.is_empty()).then_some(())
        })
        .await;
        for object in documents(FOREIGN) {
            user.apply(&object).await.stored();
        }
        // a Pod with an envFrom and a ServiceAccount may be a gateway's; who they belong to is known elsewhere
        let mut travelled: Vec<String> =
            webhook.events(namespace).iter().map(|event| format!("{} {}", event["kind"], event["name"])).collect();
        travelled.sort();
        travelled.dedup();
        assert_eq!(travelled, ["\"Pod\" \"other\"", "\"ServiceAccount\" \"other\""], "{namespace}");
    }
}

/// A new namespace gets what every one has, and its teams write what they like.
async fn others_work_on(webhook: &Webhook) {
    let user = webhook.user("new", None).await;
    eventually("the default ServiceAccount", || async {
        (!user.list("/api/v1/namespaces/new/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    for object in documents(FOREIGN) {
        user.apply(&object).await.stored();
    }
    say(&format!("{} operations of others beside an outage", non_gateway::work(&user).await));
}

async fn gateways_are_stopped(user: &User) {
    let images = [
        IMAGE,
        "registry.example/apim/gateway",
        "registry.example/apim/gateway:2.11.1",
        "Registry.Example:443/apim/gateway@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    let spec = |image: &str| json!({"containers": [{"name": "a", "image": image}]});
    for object in images.iter().flat_map(|image| KINDS.map(|kind| workload(kind, spec(image)))) {
        let answer = user.apply_with(&object, "?dryRun=All").await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(answer.status == 500 && message.contains("enforce.apim-keyless.dev"), "{object} {}", answer.body);
    }
    for image in
        ["registry.example/apim/gateways:1", "registryxexample/apim/gateway:1", "a/registry.example/apim/gateway"]
    {
        user.apply_with(&workload("Deployment", spec(image)), "?dryRun=All").await.stored();
    }
}
