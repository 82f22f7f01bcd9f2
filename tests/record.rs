//! Records the reviews that `tests/admission.rs` plays back, from a real kube-apiserver with its controllers:
//!
//! ```text
//! cargo test --test record -- --ignored
//! ```
//!
//! writes `tests/reviews` anew. Nobody writes a review there by hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a recording fails by panicking")]

mod control_plane;
mod recording;

use control_plane::ControlPlane;
use recording::Studio;
use recording::objects::{new_image, of_somebody_else, one, team};
use serde_json::{Value, json};

const ARTICLE: &str = include_str!("../deploy/examples/01-workload-identity.yaml");
const BARE: &str = include_str!("../deploy/examples/02-bare.yaml");
const PORTAL: &str = include_str!("../deploy/examples/03-portal-auth-key.yaml");
const CHART: &str = include_str!("manifests/chart-workload-identity.yaml");
const CHART_WITH_KEY: &str = include_str!("manifests/chart-gateway-token.yaml");

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/reviews anew"]
async fn reviews_of_a_real_api_server() {
    let Some(control_plane) = ControlPlane::shared() else { return };
    let _logs = control_plane.show_logs_on_panic();
    assert!(control_plane.has_controllers(), "what controllers make is recorded as well");
    let studio = Studio::open(control_plane).await;
    cron_job(&studio).await;
    namespace(&studio).await;
    service_account(&studio).await;
    config_maps(&studio).await;
    complete_and_bare_gateways(&studio).await;
    key_gateway(&studio).await;
    changes_of_a_key_gateway(&studio).await;
    pods(&studio).await;
    other_kinds(&studio).await;
    foreign_objects(&studio).await;
    chart(&studio).await;
    job_of_the_cron_job(&studio).await;
}

/// What every namespace is given when it is made.
async fn namespace(studio: &Studio) {
    let of = |kind: &'static str| move |request: &Value| request["kind"]["kind"] == kind;
    studio.overhear("default-service-account", "service-account-controller", of("ServiceAccount")).await;
    studio.overhear("cluster-authority-config-map", "root-ca-cert-publisher", of("ConfigMap")).await;
}

async fn service_account(studio: &Studio) {
    let account = one(BARE, "ServiceAccount");
    studio.create("service-account-created", &account).await;
    studio.patch("service-account-annotated", &account, &json!({"metadata": {"annotations": team()}})).await;
    let other = json!({"azure.workload.identity/client-id": "00000000-0000-0000-0000-00000000000b"});
    studio.patch("service-account-of-another-client", &account, &json!({"metadata": {"annotations": other}})).await;
}

async fn config_maps(studio: &Studio) {
    let bare = one(BARE, "ConfigMap");
    studio.create("config-map-bare", &bare).await;
    studio.patch("config-map-log-level-changed", &bare, &json!({"data": {"telemetry.logs.std.level": "warn"}})).await;
    let endpoint = json!({"data": {"config.service.endpoint": "https://fabrikam.configuration.azure-api.net"}});
    studio.patch("config-map-endpoint-changed", &bare, &endpoint).await;
    studio.create("config-map-of-the-portal", &one(PORTAL, "ConfigMap")).await;
    let method = json!({"data": {"config.service.auth": "azureAdApp"}});
    studio.patch("config-map-other-method", &bare, &method).await;
}

async fn complete_and_bare_gateways(studio: &Studio) {
    let mut complete = one(ARTICLE, "Deployment");
    complete["metadata"]["name"] = json!("orders-complete");
    studio.create("deployment-complete", &complete).await;
    let bare = one(BARE, "Deployment");
    studio.try_out("deployment-dry-run", &bare).await;
    studio.create("deployment-bare", &bare).await;
    studio.patch("deployment-bare-scaled", &bare, &json!({"spec": {"replicas": 2}})).await;
    studio.patch("deployment-bare-image-changed", &bare, &new_image("2.11.1")).await;
    let mut applied = bare;
    applied["metadata"]["name"] = json!("orders-applied");
    studio.apply("deployment-applied", &applied).await;
    applied["spec"]["replicas"] = json!(2);
    studio.apply("deployment-applied-again", &applied).await;
}

async fn key_gateway(studio: &Studio) {
    studio.create("deployment-with-key", &one(PORTAL, "Deployment")).await;
    let of = |kind: &'static str, operation: &'static str| {
        move |request: &Value| {
            let is_payments = request["object"]["metadata"]["labels"]["app"] == "payments";
            request["kind"]["kind"] == kind && request["operation"] == operation && is_payments
        }
    };
    studio.overhear("replica-set-of-key-gateway", "deployment-controller", of("ReplicaSet", "CREATE")).await;
    studio.overhear("pod-of-key-gateway", "replicaset-controller", of("Pod", "CREATE")).await;
    let status = |request: &Value| request["subResource"] == "status" && of("Deployment", "UPDATE")(request);
    studio.overhear("deployment-status-by-controller", "deployment-controller", status).await;
}

async fn changes_of_a_key_gateway(studio: &Studio) {
    let old = one(PORTAL, "Deployment");
    studio.patch("deployment-with-key-scaled", &old, &json!({"spec": {"replicas": 3}})).await;
    studio
        .patch_part("deployment-with-key-scale-sub-resource", (&old, "/scale"), &json!({"spec": {"replicas": 2}}))
        .await;
    studio.patch("deployment-with-key-annotated", &old, &json!({"metadata": {"annotations": team()}})).await;
    studio.patch_part("deployment-with-key-status", (&old, "/status"), &json!({"status": {"readyReplicas": 0}})).await;
    studio.patch("deployment-with-key-image-changed", &old, &new_image("2.11.1")).await;
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-02T03:04:05Z"});
    let restart = json!({"spec": {"template": {"metadata": {"annotations": restarted}}}});
    studio.patch("deployment-with-key-restarted", &old, &restart).await;
    let mut leaving = old.clone();
    leaving["metadata"]["name"] = json!("payments-leaving");
    leaving["metadata"]["finalizers"] = json!(["example.com/drain"]);
    studio.create("deployment-with-finalizer", &leaving).await;
    studio.delete("deployment-with-finalizer-deleted", &leaving).await;
    let released = json!({"metadata": {"finalizers": null}});
    studio.patch("deployment-terminating-released", &leaving, &released).await;
    studio.delete("deployment-deleted", &old).await;
}

async fn pods(studio: &Studio) {
    let pod = |template: &str, name: &str| {
        let template = one(template, "Deployment")["spec"]["template"].clone();
        let metadata = json!({"name": name, "labels": {"app": name}});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
    };
    let mut old = pod(PORTAL, "payments-alone");
    old["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "50m"}});
    studio.create("pod-with-key", &old).await;
    let debugger = json!([{"name": "debugger", "image": "busybox:1.37", "stdin": true}]);
    let debug = json!({"spec": {"ephemeralContainers": debugger}});
    studio.patch_part("pod-with-key-debugged", (&old, "/ephemeralcontainers"), &debug).await;
    let more = json!([{"op": "replace", "path": "/spec/containers/0/resources/requests/cpu", "value": "100m"}]);
    studio.patch_part("pod-with-key-resized", (&old, "/resize"), &more).await;
    studio.patch("pod-with-key-annotated", &old, &json!({"metadata": {"annotations": team()}})).await;
    studio.create("pod-bare", &pod(BARE, "orders-alone")).await;
    let mut unnamed = pod(BARE, "orders");
    unnamed["metadata"] = json!({"generateName": "orders-", "labels": {"app": "orders"}});
    studio.create("pod-with-generated-name", &unnamed).await;
    let mut forged = pod(PORTAL, "payments-forged");
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "payments", "controller": true,
        "uid": "00000000-0000-0000-0000-00000000000c",
    });
    forged["metadata"]["ownerReferences"] = json!([owner]);
    studio.create("pod-with-forged-owner", &forged).await;
}

async fn other_kinds(studio: &Studio) {
    let selector = json!({"matchLabels": {"app": "apim-gateway"}});
    let template = one(BARE, "Deployment")["spec"]["template"].clone();
    let object = |version: &str, kind: &str, name: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec});
    for (name, kind) in [("daemon-set-bare", "DaemonSet"), ("replica-set-bare", "ReplicaSet")] {
        let spec = json!({"selector": selector, "template": template});
        studio.create(name, &object("apps/v1", kind, name, spec)).await;
    }
    let spec = json!({"selector": selector, "serviceName": "orders", "template": template});
    studio.create("stateful-set-bare", &object("apps/v1", "StatefulSet", "stateful-set-bare", spec)).await;
    let spec = json!({"selector": {"app": "apim-gateway"}, "template": template});
    studio
        .create(
            "replication-controller-bare",
            &object("v1", "ReplicationController", "replication-controller-bare", spec),
        )
        .await;
    studio.create("job-bare", &job("job-bare", BARE)).await;
    studio.create("job-with-key", &job("job-with-key", PORTAL)).await;
    let mut kept = object("v1", "PodTemplate", "pod-template-bare", Value::Null);
    kept["template"] = template;
    studio.create("pod-template-bare", &kept).await;
    for (name, user, owner) in [
        ("pod-of-stateful-set", "statefulset-controller", "stateful-set-bare"),
        ("pod-of-replication-controller", "replication-controller", "replication-controller-bare"),
        ("pod-of-job", "job-controller", "job-with-key"),
    ] {
        let is_pod_of = |request: &Value| {
            request["kind"]["kind"] == "Pod" && request["object"]["metadata"]["ownerReferences"][0]["name"] == owner
        };
        studio.overhear(name, user, is_pod_of).await;
    }
}

fn job(name: &str, gateway: &str) -> Value {
    let mut spec = one(gateway, "Deployment")["spec"]["template"]["spec"].clone();
    spec["restartPolicy"] = json!("Never");
    let template = json!({"spec": spec});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}})
}

async fn cron_job(studio: &Studio) {
    let spec = json!({"schedule": "* * * * *", "jobTemplate": {"spec": job("", PORTAL)["spec"]}});
    let metadata = json!({"name": "payments-nightly"});
    let cron_job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec});
    studio.create("cron-job-with-key", &cron_job).await;
}

async fn job_of_the_cron_job(studio: &Studio) {
    let is_job = |request: &Value| request["kind"]["kind"] == "Job" && request["operation"] == "CREATE";
    studio.overhear("job-of-cron-job", "cronjob-controller", is_job).await;
}

async fn foreign_objects(studio: &Studio) {
    let mut deployment = one(BARE, "Deployment");
    deployment["metadata"]["name"] = json!("ledger");
    deployment["spec"]["template"]["spec"]["containers"][0] = json!({"name": "ledger", "image": "nginx:1.29"});
    studio.create("foreign-deployment", &deployment).await;
    let metadata = json!({"name": "ledger"});
    let data = json!({"retention": "30d"});
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    studio.create("foreign-config-map", &config_map).await;
}

/// What Helm makes of the official chart, for a namespace that expects a ServiceAccount and a client id.
async fn chart(studio: &Studio) {
    let mut account = one(CHART, "ServiceAccount");
    let client = json!("7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10");
    account["metadata"]["annotations"]["azure.workload.identity/client-id"] = client;
    studio.create("chart-service-account", &account).await;
    studio.create("chart-config-map", &one(CHART, "ConfigMap")).await;
    let mut complete = one(CHART, "Deployment");
    complete["spec"]["template"]["spec"]["serviceAccountName"] = json!("apim-gateway-workload-identity");
    studio.create("chart-deployment", &complete).await;
    studio.patch("chart-deployment-image-changed", &complete, &new_image("2.11.2")).await;
    let mut bare = complete;
    bare["metadata"]["name"] = json!("bare-azure-api-management-gateway");
    let labels = bare["spec"]["template"]["metadata"]["labels"].as_object_mut().unwrap();
    assert!(labels.remove("azure.workload.identity/use").is_some());
    studio.create("chart-deployment-bare", &bare).await;
    studio.create("foreign-deployment-of-a-chart", &of_somebody_else(&bare)).await;
    studio.create("chart-deployment-with-key", &one(CHART_WITH_KEY, "Deployment")).await;
}
