//! An outage of ours stops changes of gateways in enforced namespaces, and nothing else.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod control_plane;
mod webhook;

use serde_json::{Value, json};
use webhook::objects::{BARE, OLD_IMAGE, one};
use webhook::{User, Webhook, documents, eventually, not_run};

/// What other teams write, and what they may do all the time.
const FOREIGN: &str = "
{apiVersion: v1, kind: Secret, metadata: {name: other}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: other}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {LOG_LEVEL: info}}
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {containers: [{name: other, image: 'registry.example/gateway:1', envFrom: [{configMapRef: {name: other}}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: other, image: 'registry.example/azure-api-management/gateway-docs:1', env: [{name: CONFIG, value: a}]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: other}
spec:
  schedule: '0 2 * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: other, image: 'registry.example/other:1'}]}}}}
";

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
}
