//! `plan --cluster` over a real API server: the gateways of a namespace, and the issuer of its discovery document.

use serde_json::{Value, json};
use test_support::gateways::with_container;
use test_support::run::{Folder, RunOutput};
use test_support::webhook::Webhook;

const CLIENT_ID: &str = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";

/// A gateway of this name: its ServiceAccount, its ConfigMap and its Deployment.
fn gateway(name: &str) -> [Value; 3] {
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "annotations": {"azure.workload.identity/client-id": CLIENT_ID}},
    });
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
        "data": {
            "gateway.name": name,
            "config.service.auth": "workloadIdentity",
            "config.service.endpoint": "https://contoso.configuration.azure-api.net",
        },
    });
    let container = json!({
        "name": "gateway",
        "image": "mcr.microsoft.com/azure-api-management/gateway:2.11.1",
        "envFrom": [{"configMapRef": {"name": name}}],
    });
    let mut deployment = with_container("Deployment", "containers", container);
    deployment["metadata"]["name"] = name.into();
    deployment["spec"]["template"]["spec"]["serviceAccountName"] = name.into();
    [account, config_map, deployment]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_and_the_issuer_come_from_the_cluster() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let (one, other) = (webhook.user("plan-one", None).await, webhook.user("plan-other", None).await);
    for object in gateway("orders") {
        one.apply(&object).await.stored();
    }
    for object in gateway("invoices") {
        other.apply(&object).await.stored();
    }
    let kubeconfig = webhook.control_plane.kubeconfig_file().display().to_string();
    let folder = Folder::with(&[]);
    let plan = |arguments: &[&str]| -> RunOutput {
        folder.run(&[&["plan", "--cluster", "--kubeconfig", &kubeconfig, "--output", "json"], arguments].concat())
    };
    let subjects = |json: &Value| {
        let credentials = json["identities"][0]["credentials"].as_array().unwrap().iter();
        credentials.map(|one| one["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let subject = |namespace: &str, name: &str| format!("system:serviceaccount:{namespace}:{name}");

    let ran = plan(&["--namespace", &one.namespace]);
    let json = ran.json();
    // a Deployment is there once, and not again as the ReplicaSet that its controller made
    assert_eq!(json["gateways"].as_array().unwrap().len(), 1, "{json:#}");
    assert_eq!(subjects(&json), [subject(&one.namespace, "orders")]);
    let discovery = one.get("/.well-known/openid-configuration").await.stored();
    let issuer = discovery["issuer"].as_str().unwrap();
    assert_eq!(json["identities"][0]["credentials"][0]["issuer"], issuer);
    // the issuer of the test's API server is not public
    let problem = json["problems"][0]["message"].as_str().unwrap();
    assert!(
        ran.code == 1 && problem.starts_with("Give the cluster an issuer with a public https address"),
        "{problem}"
    );

    let issuer = "https://issuer.example/id/";
    let ran = plan(&["--namespace", &one.namespace, "--namespace", &other.namespace, "--issuer", issuer]);
    let json = ran.json();
    assert_eq!((ran.code, &json["identities"][0]["credentials"][0]["issuer"]), (0, &issuer.into()), "{json:#}");
    assert_eq!(subjects(&json), [subject(&one.namespace, "orders"), subject(&other.namespace, "invoices")]);

    let ran = plan(&["--namespace", "plan-none"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("read namespace plan-none: it does not exist"), "{}", ran.stderr);
}
