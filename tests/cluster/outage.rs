//! If the webhook is unavailable, only changes of gateways in enforced namespaces stop.

use crate::non_gateway;
use serde_json::{Value, json};
use std::sync::Arc;
use test_support::gateways::{IMAGE, KINDS, workload};
use test_support::webhook::objects::{BARE, OLD_IMAGE, OTHER_APPLICATIONS, one};
use test_support::webhook::{User, Webhook, documents, eventually, not_run, print_to_stderr};

async fn pods(user: &User) -> Vec<Value> {
    let pods = user.list(&format!("/api/v1/namespaces/{}/pods", user.namespace)).await;
    pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_stops_changes_of_gateways_and_nothing_else() {
    let Some(mut webhook) = Webhook::alone(|_| Vec::new()) else { return };
    let control_plane = Arc::clone(&webhook.control_plane);
    let _logs = control_plane.show_logs_on_panic();
    if !control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let running = webhook.user("running", Some("enforce")).await;
    running.apply_all(&documents(BARE)).await.into_iter().for_each(|response| _ = response.stored());
    let gateway = one(BARE, "Deployment");
    eventually("a Pod", || async { (pods(&running).await.len() == 1).then_some(()) }).await;
    webhook.stop();

    // first, because it compares counters, and controllers write in the next namespace for a while
    other_applications_can_be_changed(&webhook).await;
    // a new namespace gets its ServiceAccount and ConfigMap, and other applications can be changed
    let other = webhook.user("other", Some("enforce")).await;
    eventually("the default ServiceAccount", || async {
        (!other.list("/api/v1/namespaces/other/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    for object in documents(OTHER_APPLICATIONS) {
        other.apply(&object).await.stored();
    }
    // running gateways can be scaled, and deleted Pods are replaced
    running.patch(&gateway, "/scale", &json!({"spec": {"replicas": 2}})).await.stored();
    eventually("the second Pod", || async { (pods(&running).await.len() == 2).then_some(()) }).await;
    let first = pods(&running).await.remove(0);
    // objects in a list have no `kind`
    running.delete(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": first["metadata"]})).await.stored();
    eventually("a new Pod in place of the deleted one", || async {
        let pods = pods(&running).await;
        (pods.len() == 2 && pods.iter().all(|pod| pod["metadata"]["uid"] != first["metadata"]["uid"])).then_some(())
    })
    .await;
    // changes of gateways fail
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}});
    for response in [running.patch(&gateway, "", &restart).await, running.apply(&one(OLD_IMAGE, "Deployment")).await] {
        let message = response.body["message"].as_str().unwrap_or_default();
        assert!(response.status == 500 && message.contains("enforce.apim-keyless.dev"), "{}", response.body);
    }
    b28_no_gateway_is_stored_while_the_webhook_is_unavailable(&running).await;
    b29_the_registration_outlives_the_server(&running).await;
}

/// The API server does not call the webhook for a namespace without the mode label.
async fn other_applications_can_be_changed(webhook: &Webhook) {
    let user = webhook.user("unlabeled", None).await;
    eventually("the default ServiceAccount", || async {
        (!user.list("/api/v1/namespaces/unlabeled/serviceaccounts").await.is_empty()).then_some(())
    })
    .await;
    print_to_stderr(&format!(
        "{} operations on non-gateway objects during an outage",
        non_gateway::write_all(&user).await
    ));
}

/// The API server stores no object of any kind that is recognizable as a gateway's.
async fn b28_no_gateway_is_stored_while_the_webhook_is_unavailable(user: &User) {
    let non_gateway = json!({"name": "a", "image": "registry.example/other:1"});
    let with = |member: &str, value: Value| {
        let mut container = non_gateway.clone();
        container[member] = value;
        json!({"containers": [container]})
    };
    let mut specs = vec![
        with("image", json!(IMAGE)),
        with("image", json!("[::1]:5000/Azure-API-Management/gateway@sha256:a")),
        json!({"containers": [non_gateway], "initContainers": [{"name": "b", "image": IMAGE}]}),
    ];
    // each can be the beginning of a setting
    for prefix in ["config", "CONFIG_", "config:service__x", "Dotnet_", "aspnetcore_config."] {
        specs.push(with("envFrom", json!([{"prefix": prefix, "secretRef": {"name": "all"}}])));
    }
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
    let labels = json!({"app.kubernetes.io/component": "self-hosted-gateway"});
    for kind in KINDS {
        let mut object = workload(kind, json!({"containers": [non_gateway]}));
        object["metadata"]["labels"] = labels.clone();
        objects.push(object);
    }
    for object in objects {
        let response = user.apply_with(&object, "?dryRun=All").await;
        // Kubernetes 1.30 itself rejects such a name
        if response.status == 422
            && ["Config:Service:Auth", "config:service__x"].iter().any(|name| object.to_string().contains(name))
        {
            continue;
        }
        let message = response.body["message"].as_str().unwrap_or_default();
        assert!(response.status == 500 && message.contains("enforce.apim-keyless.dev"), "{object} {}", response.body);
    }
}

/// The configurations still exist after the server has ended by SIGTERM, as in a shutdown.
async fn b29_the_registration_outlives_the_server(user: &User) {
    for (kind, entries) in [("mutating", 1), ("validating", 4)] {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/apim-keyless");
        let stored = user.get(&path).await.stored();
        assert_eq!(stored["webhooks"].as_array().map(Vec::len), Some(entries), "{stored}");
    }
}
