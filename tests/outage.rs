//! An outage of ours stops changes of gateways in enforced namespaces, and nothing else.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod control_plane;
#[path = "bypasses/gateways.rs"]
mod gateways;
mod non_gateway;
mod webhook;

use gateways::{IMAGE, KINDS, workload};
use serde_json::{Value, json};
use webhook::objects::{BARE, FOREIGN, OLD_IMAGE, one};
use webhook::{User, Webhook, documents, eventually, not_run, say};

async fn pods(user: &User) -> Vec<Value> {
    let pods = user.list(&format!("/api/v1/namespaces/{}/pods", user.namespace)).await;
    pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_stops_changes_of_gateways_and_nothing_else() {
    let Some(mut webhook) = Webhook::start() else { return };
    let control_plane = webhook.control_plane;
    let _logs = control_plane.show_logs_on_panic();
    if !control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let running = webhook.user("running", Some("enforce")).await;
    running.apply_all(&documents(BARE)).await.into_iter().for_each(|answer| _ = answer.stored());
    let gateway = one(BARE, "Deployment");
    eventually("a Pod", || async { (pods(&running).await.len() == 1).then_some(()) }).await;
    webhook.stop();

    // a new namespace gets its own ServiceAccount and ConfigMap, and other teams work on
    let other = webhook.user("other", Some("enforce")).await;
    eventually("the default ServiceAccount", || async {
        (!other.list("/api/v1/namespaces/other/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    for object in documents(FOREIGN) {
        other.apply(&object).await.stored();
    }
    others_work_on(&webhook).await;
    // what runs goes on
    running.patch(&gateway, "/scale", &json!({"spec": {"replicas": 2}})).await.stored();
    eventually("the second Pod", || async { (pods(&running).await.len() == 2).then_some(()) }).await;
    let first = pods(&running).await.remove(0);
    // what a list holds names no kind
    running.delete(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": first["metadata"]})).await.stored();
    eventually("a Pod in its place", || async {
        let pods = pods(&running).await;
        (pods.len() == 2 && pods.iter().all(|pod| pod["metadata"]["uid"] != first["metadata"]["uid"])).then_some(())
    })
    .await;
    // and gateways stay as they are
    let image = json!({"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}});
    for answer in [running.patch(&gateway, "", &image).await, running.apply(&one(OLD_IMAGE, "Deployment")).await] {
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(answer.status == 500 && message.contains("enforce.apim-keyless.dev"), "{}", answer.body);
    }
    b28_no_gateway_slips_in_while_we_are_away(&running).await;
    b29_what_is_registered_outlives_us(&running).await;
}

/// Whatever shows itself a gateway is stopped, of every kind.
/// Where nothing is judged, nothing is sent to us.
async fn others_work_on(webhook: &Webhook) {
    let user = webhook.user("unlabelled", None).await;
    eventually("the default ServiceAccount", || async {
        (!user.list("/api/v1/namespaces/unlabelled/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    say(&format!("{} operations of others beside an outage", non_gateway::work(&user).await));
}

async fn b28_no_gateway_slips_in_while_we_are_away(user: &User) {
    let non_gateway = json!({"name": "a", "image": "registry.example/other:1"});
    let with = |member: &str, value: Value| {
        let mut container = non_gateway.clone();
        container[member] = value;
        json!({"containers": [container]})
    };
    let mut specs = vec![
        with("image", json!(IMAGE)),
        with("image", json!("[::1]:5000/Azure-API-Management/gateway@sha256:a")),
        with("envFrom", json!([{"prefix": "config", "secretRef": {"name": "all"}}])),
        json!({"containers": [non_gateway], "initContainers": [{"name": "b", "image": IMAGE}]}),
    ];
    for name in ["config.service.auth", "CONFIG__SERVICE__AUTH", "Config:Service:Auth", "config.service.endpoint"] {
        specs.push(with("env", json!([{"name": name, "value": "x"}])));
    }
    let mut objects: Vec<Value> =
        specs.iter().flat_map(|spec| KINDS.map(|kind| workload(kind, spec.clone()))).collect();
    for key in ["config.service.auth", "config__service__auth", "CONFIG.SERVICE.endpoint"] {
        objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {key: "x"}}));
    }
    let keys = json!({"azure.workload.identity/client-id": "x"});
    objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "annotations": keys}}));
    let labelled = json!({"app.kubernetes.io/component": "self-hosted-gateway"});
    for kind in KINDS {
        let mut object = workload(kind, json!({"containers": [non_gateway]}));
        object["metadata"]["labels"] = labelled.clone();
        objects.push(object);
    }
    for object in objects {
        let answer = user.apply_with(&object, "?dryRun=All").await;
        // Kubernetes 1.30 takes no such name itself
        if answer.status == 422 && object.to_string().contains("Config:Service:Auth") {
            continue;
        }
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(answer.status == 500 && message.contains("enforce.apim-keyless.dev"), "{object} {}", answer.body);
    }
}

/// The server was ended by SIGTERM, as in a shutdown.
async fn b29_what_is_registered_outlives_us(user: &User) {
    for (kind, entries) in [("mutating", 1), ("validating", 3)] {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/apim-keyless");
        let stored = user.get(&path).await.stored();
        assert_eq!(stored["webhooks"].as_array().map(Vec::len), Some(entries), "{stored}");
    }
}
