//! Workloads that are being deleted. Their controllers create nothing for them any more, so they are only warned about,
//! and an outage of the webhook keeps neither their finalizers nor their namespace.

use crate::bypasses::enforced;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use test_support::gateways::{auth_key_env, container_with_auth_key, template, valid};
use test_support::webhook::objects::{ARTICLE, one};
use test_support::webhook::{User, Webhook, eventually, not_run};

/// The kinds whose controllers create Pods, or objects that create Pods.
const KINDS: [&str; 7] =
    ["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"];
const FINALIZER: &str = "example.com/hold";
/// A change of metadata that a rule reads.
const LABEL: &str = "app.kubernetes.io/component";

#[tokio::test(flavor = "multi_thread")]
async fn workloads_that_are_being_deleted_create_nothing_and_can_always_end() {
    let Some(mut webhook) = Webhook::alone(|_| Vec::new()) else { return };
    let control_plane = Arc::clone(&webhook.control_plane);
    let _logs = control_plane.show_logs_on_panic();
    if !control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let mut workloads = Vec::new();
    for kind in KINDS {
        let user = enforced(&webhook, &format!("deletion-{}", kind.to_lowercase())).await;
        if kind == "DaemonSet" {
            let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker"}});
            user.post("/api/v1/nodes", &node).await.stored();
        }
        workloads.push(Workload::start(user, kind).await);
    }
    for workload in &workloads {
        workload.check_that_nothing_is_created().await;
    }
    let config_map = config_map_being_deleted(&workloads[0].user).await;
    let with_key = json!({"data": {"config.service.auth": "GatewayKey orders&202701010000&bm90IGEga2V5"}});
    workloads[0].user.patch(&config_map, "", &with_key).await.denied(&["auth-key-literal"]);

    webhook.stop();
    for workload in &workloads {
        workload.check_that_it_can_end().await;
    }
    assert_eq!(workloads[0].user.patch(&config_map, "", &with_key).await.status, 500);
    let user = &workloads[2].user;
    let path = format!("/api/v1/namespaces/{}", user.namespace);
    user.remove(&path).await.stored();
    eventually("the end of the namespace", || async { (user.get(&path).await.status == 404).then_some(()) }).await;
}

/// A ConfigMap that only a finalizer keeps. Pods can still read it.
async fn config_map_being_deleted(user: &User) -> Value {
    let mut config_map = one(ARTICLE, "ConfigMap");
    config_map["metadata"]["finalizers"] = json!([FINALIZER]);
    user.apply(&config_map).await.stored();
    user.delete(&config_map).await.stored();
    config_map
}

/// A workload that only a finalizer keeps, and what its controller created before.
struct Workload {
    user: User,
    object: Value,
    uid: Value,
    created: BTreeSet<String>,
}

impl Workload {
    async fn start(user: User, kind: &str) -> Self {
        let mut object = runnable(kind, "gateway");
        object["metadata"]["finalizers"] = json!([FINALIZER]);
        let uid = user.apply(&object).await.stored()["metadata"]["uid"].clone();
        make_due(&user, &object).await;
        let created = eventually(kind, || async {
            let created = created_by(&user, &uid).await;
            (!created.is_empty()).then_some(created)
        })
        .await;
        user.delete(&object).await.stored();
        assert!(user.read(&object).await.stored()["metadata"]["deletionTimestamp"].is_string());
        Self { user, object, uid, created }
    }

    /// Gives it a key and reasons to create something.
    async fn check_that_nothing_is_created(&self) {
        let (user, kind) = (&self.user, self.object["kind"].as_str().unwrap());
        let mut change = json!({"metadata": {"labels": {LABEL: "self-hosted-gateway"}}});
        if kind == "Job" {
            // its template cannot change
            change["spec"] = json!({"parallelism": 3});
        } else {
            let mut with_key = self.object.clone();
            template(&mut with_key)["spec"]["containers"][0] = container_with_auth_key();
            change["spec"] = with_key["spec"].clone();
            if !matches!(kind, "CronJob" | "DaemonSet") {
                change["spec"]["replicas"] = json!(3);
            }
        }
        let response = user.patch(&self.object, "", &change).await;
        if kind != "Job" {
            assert!(response.warnings.concat().contains("auth-key-reference"), "{kind} {:?}", response.warnings);
        }
        response.stored();
        delete_created(user).await;
        make_due(user, &self.object).await;
        // the controller has seen all of this when it has created something for a workload that was written later
        let later = runnable(kind, "later");
        let uid = user.apply(&later).await.stored()["metadata"]["uid"].clone();
        make_due(user, &later).await;
        eventually(kind, || async { (!created_by(user, &uid).await.is_empty()).then_some(()) }).await;
        let now = created_by(user, &self.uid).await;
        assert!(now.is_subset(&self.created), "{kind}: {now:?}, before {:?}", self.created);
        let pods = user.list(&format!("/api/v1/namespaces/{}/pods", user.namespace)).await;
        assert!(pods.iter().all(|pod| !pod.to_string().contains(&auth_key_env().to_string())), "{kind}");
    }

    /// Its finalizer is removed while the webhook is unavailable, by a patch that also changes a label.
    async fn check_that_it_can_end(&self) {
        let change = json!({"metadata": {"finalizers": null, "labels": {LABEL: "ended"}}});
        let response = self.user.patch(&self.object, "", &change).await;
        assert!(response.status == 200, "{}", response.body);
        eventually("its end", || async { (self.user.read(&self.object).await.status == 404).then_some(()) }).await;
        // any other gateway waits for the webhook
        let later = runnable(self.object["kind"].as_str().unwrap(), "later");
        let change = json!({"metadata": {"labels": {LABEL: "self-hosted-gateway"}}});
        assert_eq!(self.user.patch(&later, "", &change).await.status, 500);
    }
}

/// A gateway without findings of this name.
fn runnable(kind: &str, name: &str) -> Value {
    let mut object = valid(kind);
    object["metadata"]["name"] = json!(name);
    template(&mut object)["metadata"]["labels"]["app"] = json!(name);
    match kind {
        "CronJob" => object["spec"]["schedule"] = json!("* * * * *"),
        "Job" => object["spec"]["completions"] = json!(3),
        "ReplicationController" => object["spec"]["selector"] = json!({"app": name}),
        _ => object["spec"]["selector"]["matchLabels"] = json!({"app": name}),
    }
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = json!(name);
    }
    object
}

/// Deletes all Pods, and the Jobs of CronJobs, so that their controllers would create new ones.
async fn delete_created(user: &User) {
    let namespace = &user.namespace;
    for pod in user.list(&format!("/api/v1/namespaces/{namespace}/pods")).await {
        // objects in a list have no `kind`
        user.delete(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]})).await;
    }
    for job in user.list(&format!("/apis/batch/v1/namespaces/{namespace}/jobs")).await {
        if job["metadata"]["ownerReferences"][0]["kind"] == "CronJob" {
            user.delete(&json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": job["metadata"]})).await;
        }
    }
}

/// Makes a CronJob due at once.
async fn make_due(user: &User, object: &Value) {
    if object["kind"] == "CronJob" {
        let status = json!({"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}});
        user.patch(object, "/status", &status).await.stored();
    }
}

/// The uids of the objects that are controlled by the object of this uid.
async fn created_by(user: &User, uid: &Value) -> BTreeSet<String> {
    let mut uids = BTreeSet::new();
    for collection in ["api/v1/NAMESPACE/pods", "apis/apps/v1/NAMESPACE/replicasets", "apis/batch/v1/NAMESPACE/jobs"] {
        let path = collection.replace("NAMESPACE", &format!("namespaces/{}", user.namespace));
        let objects = user.list(&format!("/{path}")).await;
        let controlled = objects.iter().filter(|object| object["metadata"]["ownerReferences"][0]["uid"] == *uid);
        uids.extend(controlled.map(|object| object["metadata"]["uid"].as_str().unwrap().to_owned()));
    }
    uids
}
