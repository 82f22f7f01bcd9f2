//! Records the reviews for `tests/offline/admission.rs` from a real kube-apiserver with its controllers:
//!
//! ```text
//! cargo test --test cluster record:: -- --ignored
//! ```
//!
//! rewrites `tests/reviews`. Do not edit the reviews there by hand.

use crate::recording::Recorder;
use crate::recording::objects::{as_other_application, new_image, one, team};
use serde_json::{Value, json};
use test_support::control_plane::ControlPlane;

const ARTICLE: &str = include_str!("../../deploy/examples/01-workload-identity.yaml");
const BARE: &str = include_str!("../../deploy/examples/02-bare.yaml");
const PORTAL: &str = include_str!("../../deploy/examples/03-portal-auth-key.yaml");
const CHART: &str = include_str!("../manifests/chart-workload-identity.yaml");
const CHART_WITH_KEY: &str = include_str!("../manifests/chart-gateway-token.yaml");

#[tokio::test(flavor = "multi_thread")]
#[ignore = "rewrites tests/reviews"]
async fn reviews_of_a_real_api_server() {
    let Some(control_plane) = ControlPlane::shared() else { return };
    let _logs = control_plane.show_logs_on_panic();
    assert!(control_plane.has_controllers(), "objects that controllers create are recorded as well");
    let recorder = Recorder::open(&control_plane).await;
    cron_job(&recorder).await;
    namespace(&recorder).await;
    service_account(&recorder).await;
    config_maps(&recorder).await;
    complete_and_bare_gateways(&recorder).await;
    key_gateway(&recorder).await;
    changes_of_a_key_gateway(&recorder).await;
    pods(&recorder).await;
    other_kinds(&recorder).await;
    non_gateway_objects(&recorder).await;
    chart(&recorder).await;
    job_of_the_cron_job(&recorder).await;
}

/// The objects that controllers create in every new namespace.
async fn namespace(recorder: &Recorder) {
    let of = |kind: &'static str| move |request: &Value| request["kind"]["kind"] == kind;
    recorder.record_controller("default-service-account", "service-account-controller", of("ServiceAccount")).await;
    recorder.record_controller("cluster-ca-config-map", "root-ca-cert-publisher", of("ConfigMap")).await;
}

async fn service_account(recorder: &Recorder) {
    let account = one(BARE, "ServiceAccount");
    recorder.create("service-account-created", &account).await;
    recorder.patch("service-account-annotated", &account, &json!({"metadata": {"annotations": team()}})).await;
    let other = json!({"azure.workload.identity/client-id": "00000000-0000-0000-0000-00000000000b"});
    recorder
        .patch("service-account-with-another-client-id", &account, &json!({"metadata": {"annotations": other}}))
        .await;
}

async fn config_maps(recorder: &Recorder) {
    let bare = one(BARE, "ConfigMap");
    recorder.create("config-map-bare", &bare).await;
    recorder.patch("config-map-log-level-changed", &bare, &json!({"data": {"telemetry.logs.std.level": "warn"}})).await;
    let endpoint = json!({"data": {"config.service.endpoint": "https://fabrikam.configuration.azure-api.net"}});
    recorder.patch("config-map-endpoint-changed", &bare, &endpoint).await;
    recorder.create("config-map-of-the-portal", &one(PORTAL, "ConfigMap")).await;
    let method = json!({"data": {"config.service.auth": "azureAdApp"}});
    recorder.patch("config-map-other-method", &bare, &method).await;
}

async fn complete_and_bare_gateways(recorder: &Recorder) {
    let mut complete = one(ARTICLE, "Deployment");
    complete["metadata"]["name"] = json!("orders-complete");
    recorder.create("deployment-complete", &complete).await;
    let bare = one(BARE, "Deployment");
    recorder.create_dry_run("deployment-dry-run", &bare).await;
    recorder.create("deployment-bare", &bare).await;
    recorder.patch("deployment-bare-scaled", &bare, &json!({"spec": {"replicas": 2}})).await;
    recorder.patch("deployment-bare-image-changed", &bare, &new_image("2.11.1")).await;
    let mut applied = bare;
    applied["metadata"]["name"] = json!("orders-applied");
    recorder.apply("deployment-applied", &applied).await;
    applied["spec"]["replicas"] = json!(2);
    recorder.apply("deployment-applied-again", &applied).await;
}

async fn key_gateway(recorder: &Recorder) {
    recorder.create("deployment-with-key", &one(PORTAL, "Deployment")).await;
    let of = |kind: &'static str, operation: &'static str| {
        move |request: &Value| {
            let is_payments = request["object"]["metadata"]["labels"]["app"] == "payments";
            request["kind"]["kind"] == kind && request["operation"] == operation && is_payments
        }
    };
    recorder.record_controller("replica-set-of-key-gateway", "deployment-controller", of("ReplicaSet", "CREATE")).await;
    recorder.record_controller("pod-of-key-gateway", "replicaset-controller", of("Pod", "CREATE")).await;
    let status = |request: &Value| request["subResource"] == "status" && of("Deployment", "UPDATE")(request);
    recorder.record_controller("deployment-status-by-controller", "deployment-controller", status).await;
}

async fn changes_of_a_key_gateway(recorder: &Recorder) {
    let old = one(PORTAL, "Deployment");
    recorder.patch("deployment-with-key-scaled", &old, &json!({"spec": {"replicas": 3}})).await;
    recorder
        .patch_part("deployment-with-key-scale-sub-resource", &old, "/scale", &json!({"spec": {"replicas": 2}}))
        .await;
    recorder.patch("deployment-with-key-annotated", &old, &json!({"metadata": {"annotations": team()}})).await;
    recorder.patch_part("deployment-with-key-status", &old, "/status", &json!({"status": {"readyReplicas": 0}})).await;
    recorder.patch("deployment-with-key-image-changed", &old, &new_image("2.11.1")).await;
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-02T03:04:05Z"});
    let restart = json!({"spec": {"template": {"metadata": {"annotations": restarted}}}});
    recorder.patch("deployment-with-key-restarted", &old, &restart).await;
    let mut leaving = old.clone();
    leaving["metadata"]["name"] = json!("payments-leaving");
    leaving["metadata"]["finalizers"] = json!(["example.com/drain"]);
    recorder.create("deployment-with-finalizer", &leaving).await;
    recorder.delete("deployment-with-finalizer-deleted", &leaving).await;
    let released = json!({"metadata": {"finalizers": null}});
    recorder.patch("deployment-terminating-released", &leaving, &released).await;
    recorder.delete("deployment-deleted", &old).await;
}

async fn pods(recorder: &Recorder) {
    let pod = |template: &str, name: &str| {
        let template = one(template, "Deployment")["spec"]["template"].clone();
        let metadata = json!({"name": name, "labels": {"app": name}});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
    };
    let mut old = pod(PORTAL, "payments-alone");
    old["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "50m"}});
    recorder.create("pod-with-key", &old).await;
    let debugger = json!([{"name": "debugger", "image": "busybox:1.37", "stdin": true}]);
    let debug = json!({"spec": {"ephemeralContainers": debugger}});
    recorder.patch_part("pod-with-key-debugged", &old, "/ephemeralcontainers", &debug).await;
    recorder.patch("pod-with-key-annotated", &old, &json!({"metadata": {"annotations": team()}})).await;
    recorder.create("pod-bare", &pod(BARE, "orders-alone")).await;
    let mut unnamed = pod(BARE, "orders");
    unnamed["metadata"] = json!({"generateName": "orders-", "labels": {"app": "orders"}});
    recorder.create("pod-with-generated-name", &unnamed).await;
    let mut forged = pod(PORTAL, "payments-forged");
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "payments", "controller": true,
        "uid": "00000000-0000-0000-0000-00000000000c",
    });
    forged["metadata"]["ownerReferences"] = json!([owner]);
    recorder.create("pod-with-forged-owner", &forged).await;
}

async fn other_kinds(recorder: &Recorder) {
    let selector = json!({"matchLabels": {"app": "apim-gateway"}});
    let template = one(BARE, "Deployment")["spec"]["template"].clone();
    let object = |version: &str, kind: &str, name: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec});
    for (name, kind) in [("daemon-set-bare", "DaemonSet"), ("replica-set-bare", "ReplicaSet")] {
        let spec = json!({"selector": selector, "template": template});
        recorder.create(name, &object("apps/v1", kind, name, spec)).await;
    }
    let spec = json!({"selector": selector, "serviceName": "orders", "template": template});
    recorder.create("stateful-set-bare", &object("apps/v1", "StatefulSet", "stateful-set-bare", spec)).await;
    let spec = json!({"selector": {"app": "apim-gateway"}, "template": template});
    recorder
        .create(
            "replication-controller-bare",
            &object("v1", "ReplicationController", "replication-controller-bare", spec),
        )
        .await;
    recorder.create("job-bare", &job("job-bare", BARE)).await;
    recorder.create("job-with-key", &job("job-with-key", PORTAL)).await;
    let mut kept = object("v1", "PodTemplate", "pod-template-bare", Value::Null);
    kept["template"] = template;
    recorder.create("pod-template-bare", &kept).await;
    for (name, user, owner) in [
        ("pod-of-stateful-set", "statefulset-controller", "stateful-set-bare"),
        ("pod-of-replication-controller", "replication-controller", "replication-controller-bare"),
        ("pod-of-job", "job-controller", "job-with-key"),
    ] {
        let is_pod_of = |request: &Value| {
            request["kind"]["kind"] == "Pod" && request["object"]["metadata"]["ownerReferences"][0]["name"] == owner
        };
        recorder.record_controller(name, user, is_pod_of).await;
    }
}

fn job(name: &str, gateway: &str) -> Value {
    let mut spec = one(gateway, "Deployment")["spec"]["template"]["spec"].clone();
    spec["restartPolicy"] = json!("Never");
    let template = json!({"spec": spec});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}})
}

async fn cron_job(recorder: &Recorder) {
    let spec = json!({"schedule": "* * * * *", "jobTemplate": {"spec": job("", PORTAL)["spec"]}});
    let metadata = json!({"name": "payments-nightly"});
    let cron_job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec});
    recorder.create("cron-job-with-key", &cron_job).await;
}

async fn job_of_the_cron_job(recorder: &Recorder) {
    let is_job = |request: &Value| request["kind"]["kind"] == "Job" && request["operation"] == "CREATE";
    recorder.record_controller("job-of-cron-job", "cronjob-controller", is_job).await;
}

async fn non_gateway_objects(recorder: &Recorder) {
    let mut deployment = one(BARE, "Deployment");
    deployment["metadata"]["name"] = json!("ledger");
    deployment["spec"]["template"]["spec"]["containers"][0] = json!({"name": "ledger", "image": "nginx:1.29"});
    recorder.create("non-gateway-deployment", &deployment).await;
    let metadata = json!({"name": "ledger"});
    let data = json!({"retention": "30d"});
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    recorder.create("non-gateway-config-map", &config_map).await;
}

/// The rendered official chart, for a namespace that expects a ServiceAccount and a client id.
async fn chart(recorder: &Recorder) {
    let mut account = one(CHART, "ServiceAccount");
    let client = json!("7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10");
    account["metadata"]["annotations"]["azure.workload.identity/client-id"] = client;
    recorder.create("chart-service-account", &account).await;
    recorder.create("chart-config-map", &one(CHART, "ConfigMap")).await;
    let mut complete = one(CHART, "Deployment");
    complete["spec"]["template"]["spec"]["serviceAccountName"] = json!("apim-gateway-workload-identity");
    recorder.create("chart-deployment", &complete).await;
    recorder.patch("chart-deployment-image-changed", &complete, &new_image("2.11.2")).await;
    let mut bare = complete;
    bare["metadata"]["name"] = json!("bare-azure-api-management-gateway");
    let labels = bare["spec"]["template"]["metadata"]["labels"].as_object_mut().unwrap();
    assert!(labels.remove("azure.workload.identity/use").is_some());
    recorder.create("chart-deployment-bare", &bare).await;
    recorder.create("non-gateway-deployment-of-a-chart", &as_other_application(&bare)).await;
    recorder.create("chart-deployment-with-key", &one(CHART_WITH_KEY, "Deployment")).await;
}
