//! The files that `migrate` writes: a real API server stores them unchanged in an enforced namespace, in the order of the
//! file, and the real controllers make Pods with the identity.

use crate::related::until_enforced;
use serde_json::{Value, json};
use test_support::corpus::{self, CLIENT};
use test_support::project;
use test_support::run::Folder;
use test_support::webhook::objects::{CHART_ENTRA, CHART_TOKEN, PORTAL};
use test_support::webhook::{POLICY, User, Webhook, documents, eventually, not_run};

/// The `ServiceAccount` that the policy of the tests expects.
const ACCOUNT: &str = "apim-gateway-workload-identity";
/// The kinds that are applied. Others, such as roles, have nothing to do with the migration.
const KINDS: [&str; 4] = ["Secret", "ServiceAccount", "ConfigMap", "Deployment"];

/// The inputs: those of this project, and those of the corpus if it is there.
fn inputs() -> Vec<(String, String, bool)> {
    let read = |name: &str| std::fs::read_to_string(format!("{}/tests/manifests/{name}", project::FOLDER)).unwrap();
    let chart = |text: &str| text.replace("# Source: ", "# from ");
    let mut inputs = vec![
        ("portal".to_owned(), PORTAL.to_owned(), false),
        ("portal-current".to_owned(), read("gateway-portal.yaml"), false),
        ("token-article".to_owned(), read("gateway-token-article.yaml"), false),
        ("chart-token".to_owned(), chart(CHART_TOKEN), true),
        ("chart-entra".to_owned(), chart(CHART_ENTRA), true),
    ];
    match corpus::corpus() {
        Some(folder) => inputs.extend(corpus::manifests(&folder).into_iter().map(|(name, text)| {
            let namespace = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
            // a namespace has at most 63 characters
            let namespace: String = namespace.chars().take(50).collect();
            (namespace.trim_end_matches('-').to_owned(), text, corpus::is_rendered(name))
        })),
        None => not_run("there is no corpus"),
    }
    inputs
}

fn applied(text: &str) -> Vec<Value> {
    let is_applied = |object: &Value| object["kind"].as_str().is_some_and(|kind| KINDS.contains(&kind));
    documents(text).into_iter().filter(is_applied).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_files_are_stored_unchanged_and_give_pods_with_the_identity() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    for (name, text, is_rendered) in inputs() {
        let folder = Folder::with(&[("a.yaml", &text), ("policy.yaml", POLICY)]);
        let mut arguments = vec!["migrate", "a.yaml", "--client-id", CLIENT, "--service-account", ACCOUNT];
        arguments.extend(["--policy", "policy.yaml"]);
        arguments.extend(if is_rendered { &["--gateway-name", "orders"][..] } else { &[] });
        let ran = folder.run(&arguments);
        assert_eq!(ran.code, 0, "{name}: {}", ran.everything());
        let new = std::fs::read_to_string(folder.path("a.yaml")).unwrap();
        let user = webhook.user(&format!("migrated-{name}"), None).await;
        check(webhook, &user, &applied(&text), &applied(&new)).await;
    }
}

async fn check(webhook: &Webhook, user: &User, old: &[Value], new: &[Value]) {
    for object in old {
        user.server_side_apply(object).await.stored();
    }
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    until_enforced(user).await;
    for object in new {
        let response = user.server_side_apply(object).await;
        let is_ours = |warning: &String| warning.starts_with("apim-keyless: ") && !warning.contains(": absent-");
        // what the webhook sets, and what it warns about, would be a warning
        assert!(!response.warnings.iter().any(is_ours), "{}: {:?}", user.namespace, response.warnings);
        let stored = response.stored();
        assert_contains(&user.namespace, &stored, object);
    }
    if !webhook.control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let deployment = new.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let name = deployment["metadata"]["name"].as_str().unwrap();
    let pod = eventually("a Pod with the identity", || async {
        let pods = user.list(&format!("/api/v1/namespaces/{}/pods", user.namespace)).await;
        pods.into_iter().find(|pod| pod["metadata"]["labels"]["azure.workload.identity/use"] == "true")
    })
    .await;
    let spec = &pod["spec"];
    assert_eq!(spec["serviceAccountName"], ACCOUNT, "{} {name}", user.namespace);
    let sources = spec["containers"][0]["envFrom"].as_array().unwrap();
    let config_map = new
        .iter()
        .find(|object| object["kind"] == "ConfigMap" && object["data"]["config.service.auth"] == "workloadIdentity");
    let config_map = &config_map.unwrap()["metadata"]["name"];
    assert!(sources.iter().any(|source| source["configMapRef"]["name"] == *config_map), "{spec}");
    assert!(!spec.to_string().contains("config.service.auth\""), "{spec}");
}

/// Asserts that everything that was written is stored as it was written.
fn assert_contains(namespace: &str, stored: &Value, written: &Value) {
    match written {
        Value::Object(members) => {
            // the API server stores `stringData` of a Secret as `data`
            let is_secret = written["kind"] == "Secret";
            for (key, member) in members.iter().filter(|(key, _)| {
                key.as_str() != "namespace" && !(is_secret && ["data", "stringData"].contains(&key.as_str()))
            }) {
                assert_contains(namespace, &stored[key], member);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                assert_contains(namespace, &stored[index], item);
            }
        }
        // the API server stores no zero values, and normalizes quantities such as 1000m
        Value::Number(number) if number.as_i64() == Some(0) => {}
        Value::String(text) if text.starts_with(|first: char| first.is_ascii_digit()) => {}
        other => assert_eq!(stored, other, "{namespace}"),
    }
}
