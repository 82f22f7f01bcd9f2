//! `audit` over a real API server and its controllers.

use crate::chart::definitions;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use test_support::gateways::{container_with_auth_key, valid, with_container};
use test_support::report_schema::assert_valid;
use test_support::run::{Folder, RunOutput};
use test_support::webhook::account::kubeconfig;
use test_support::webhook::objects::{ARTICLE, CHART_TOKEN, PORTAL, one};
use test_support::webhook::{User, Webhook, documents, eventually, not_run};

/// A folder with the administrator's kubeconfig.
fn folder(webhook: &Webhook) -> Folder {
    Folder::with(&[("kubeconfig", &fs::read_to_string(webhook.control_plane.kubeconfig_file()).unwrap())])
}

/// Runs `audit` with the kubeconfig of the folder.
fn audit(folder: &Folder, arguments: &[&str]) -> RunOutput {
    folder.run(&[&["audit", "--kubeconfig", "kubeconfig"], arguments].concat())
}

/// The cells of the row of a gateway.
fn row<'t>(table: &'t str, name: &str) -> Vec<&'t str> {
    let row = table.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
    row.unwrap_or_else(|| panic!("no row of {name}:\n{table}")).split_whitespace().collect()
}

/// Writes a gateway with a key, a complete one, and objects of another application, before the namespace has a mode.
async fn fleet(webhook: &Webhook, namespace: &str, mode: &str) -> User {
    let user = webhook.user(namespace, None).await;
    for object in documents(PORTAL).iter().chain(&documents(ARTICLE)) {
        user.apply(object).await.stored();
    }
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"a": "b"}});
    user.apply(&other).await.stored();
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": mode}}})).await.stored();
    user
}

/// Waits for the Pods of both gateways, where there are controllers.
async fn until_pods_exist(webhook: &Webhook, user: &User) {
    if webhook.control_plane.has_controllers() {
        let pods = format!("/api/v1/namespaces/{}/pods", user.namespace);
        eventually("the Pods", || async { (user.list(&pods).await.len() > 1).then_some(()) }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gateway_is_one_row_and_its_mode_decides_the_exit_code() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let folder = folder(webhook);
    for (mode, code) in [("audit", 0), ("enforce", 1)] {
        let namespace = format!("fleet-{mode}");
        let user = fleet(webhook, &namespace, mode).await;
        until_pods_exist(webhook, &user).await;
        let ran = audit(&folder, &["-n", &namespace]);
        let table = &ran.stdout;
        assert_eq!(ran.code, code, "{table}{}", ran.stderr);
        assert_eq!(row(table, "payments")[2..5], ["Deployment", mode, "key"], "{table}");
        assert!(table.contains("auth-key-reference"), "{table}");
        assert_eq!(row(table, "apim-gateway")[4], "workloadIdentity", "{table}");
        assert!(table.contains("\n2 gateways: 1 workloadIdentity, 1 key; 1 with an error"), "{table}");
        assert!(!table.contains("error["), "findings are shown only with --details: {table}");
        let details = audit(&folder, &["-n", &namespace, "--details"]).stdout;
        assert!(details.contains("[auth-key-reference]") && details.contains("2 gateways: "), "{details}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_of_mode_off_is_skipped_unless_a_mode_is_given() {
    let Some(webhook) = Webhook::shared() else { return };
    fleet(webhook, "fleet-off", "off").await;
    let folder = folder(webhook);
    let ran = audit(&folder, &["-n", "fleet-off"]);
    let skipped = "0 gateways; skipped 1 namespace with label apim-keyless.dev/mode: off";
    assert!(ran.stdout.contains(skipped) && ran.code == 0, "{ran:?}");
    let ran = audit(&folder, &["-n", "fleet-off", "--mode", "enforce"]);
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_since_an_earlier_report_is_said() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = fleet(webhook, "fleet-since", "audit").await;
    let folder = folder(webhook);
    let first = audit(&folder, &["-n", "fleet-since", "--output", "json"]);
    folder.write("earlier.json", first.stdout.as_bytes());
    let report = first.json();
    assert_valid(&report);
    assert_eq!(report["changes"], Value::Null);
    assert_eq!(report["gateways"][0]["mode"], "audit");

    let deployment = one(PORTAL, "Deployment");
    let migrated = json!([{"op": "remove", "path": "/spec/template/spec/containers/0/env/0"}]);
    user.patch_with(&deployment, "application/json-patch+json", &migrated).await.stored();
    let config_map = one(PORTAL, "ConfigMap");
    user.patch(&config_map, "", &json!({"data": {"config.service.auth": "workloadIdentity"}})).await.stored();
    let since = ["-n", "fleet-since", "--since", "earlier.json"];
    let text = audit(&folder, &since).stdout;
    assert!(text.contains("Deployment fleet-since/payments: key -> workloadIdentity"), "{text}");
    assert!(text.contains("fixed: auth-key-reference in Deployment fleet-since/payments"), "{text}");
    assert!(text.contains("since the earlier report: "), "{text}");
    let report = audit(&folder, &[&since[..], &["--output", "json"]].concat()).json();
    assert_valid(&report);
    assert_eq!(report["changes"]["gateways"][0]["from"], "key");
}

/// Without the permission for ConfigMaps, what they hold is unknown, and nothing is absent.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_read_is_said_and_the_rest_is_evaluated() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = fleet(webhook, "fleet-rights", "enforce").await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "auditor"}});
    user.apply(&account).await.stored();
    let all = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "fleet-rights"},
        "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]});
    user.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", &all).await.stored();
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "fleet-rights"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "fleet-rights"},
        "subjects": [{"kind": "ServiceAccount", "name": "auditor", "namespace": "fleet-rights"}]});
    user.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &binding).await.stored();
    let address = format!("https://{}", webhook.control_plane.address());
    let ca = STANDARD.encode(webhook.control_plane.ca_pem());
    let folder = Folder::with(&[("kubeconfig", &kubeconfig(&user, "auditor", &address, &ca).await.to_string())]);
    let RunOutput { code, stdout: text, stderr: errors } = audit(&folder, &["-n", "fleet-rights", "--details"]);
    assert_eq!(code, 2, "{text}{errors}");
    assert!(errors.contains("cannot list configmaps in namespace fleet-rights: needs list on configmaps"), "{errors}");
    assert_eq!(row(&text, "payments")[4], "key", "{text}");
    assert!(!text.contains("absent-"), "{text}");
    assert!(!errors.contains("rollouts"), "a resource that is not served needs no right: {errors}");
}

/// Every page of a list is read, and the token between two pages can hold any character.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_many_pages_is_read_whole() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("fleet-pages", None).await;
    let mut config_map = one(CHART_TOKEN, "ConfigMap");
    for number in 0..120 {
        config_map["metadata"]["name"] = json!(format!("page-{number}"));
        user.apply(&config_map).await.stored();
    }
    let folder = folder(webhook);
    let report = audit(&folder, &["-n", "fleet-pages", "--output", "json"]).json();
    assert!(report["summary"]["objects"].as_u64().unwrap() > 120, "{report}");
}

/// The definition of an `ExternalSecret`: the API server does not know its fields.
const EXTERNAL_SECRET: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: externalsecrets.external-secrets.io}
spec:
  group: external-secrets.io
  names: {kind: ExternalSecret, plural: externalsecrets, singular: externalsecret, listKind: ExternalSecretList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

/// Writes what fills and renews the Secret of the gateway's key, and what fills another. Returns the name of the Secret.
async fn write_what_serves_the_key(user: &User) -> String {
    let secret = one(PORTAL, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]
        ["secretKeyRef"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let external = |name: &str, target: &str| {
        json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": name},
            "spec": {"target": {"name": target}}})
    };
    user.apply(&external("key", &secret)).await.stored();
    user.apply(&external("other", "other")).await.stored();
    let command = ["sh", "-c", &format!("kubectl create secret generic {secret} --from-literal=value=$KEY")];
    let container = json!({"name": "renew", "image": "kubectl", "command": command});
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [container]}});
    let job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "renew"},
        "spec": {"schedule": "@monthly", "jobTemplate": {"spec": {"template": template}}}});
    user.apply(&job).await.stored();
    secret
}

/// An earlier revision of a migrated gateway names the Secret of its key, another object fills it, and a job renews it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_migration_left_is_listed() {
    let Some(webhook) = Webhook::shared() else { return };
    if !webhook.control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let administrator = webhook.in_own_namespace();
    for definition in documents(EXTERNAL_SECRET) {
        definitions::create(&administrator, &definition).await;
    }
    let user = fleet(webhook, "fleet-left", "audit").await;
    until_pods_exist(webhook, &user).await;
    let secret = write_what_serves_the_key(&user).await;
    let folder = folder(webhook);
    let left = |arguments: &[&str]| {
        let command = [&["-n", "fleet-left", "--output", "json"], arguments].concat();
        let report = audit(&folder, &command).json();
        assert_valid(&report);
        assert_eq!(report["failures"], json!([]));
        report["leftovers"].as_array().unwrap().clone()
    };
    assert_eq!(left(&["--secrets"]), [] as [Value; 0], "the gateway still uses its Secret");

    let deployment = one(PORTAL, "Deployment");
    let migrated = json!([
        {"op": "remove", "path": "/spec/template/spec/containers/0/env/0"},
        {"op": "replace", "path": "/spec/strategy", "value": {"type": "Recreate"}},
    ]);
    user.patch_with(&deployment, "application/json-patch+json", &migrated).await.stored();
    let kinds = |left: &[Value]| -> Vec<String> {
        left.iter().map(|one| one["object"]["kind"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["ReplicaSet", "Secret", "ExternalSecret", "CronJob"];
    let mut found = eventually("the end of the old Pods", || async {
        let found = left(&[]);
        (!found.is_empty()).then_some(found)
    })
    .await;
    found.sort_by_key(|one| all.iter().position(|kind| one["object"]["kind"] == *kind));
    assert_eq!(kinds(&found), all, "{found:?}");
    assert!(found[0]["message"].as_str().unwrap().contains("kubectl rollout undo"), "{found:?}");
    assert_eq!(found[2]["object"]["name"], "key");
    assert!(!kinds(&left(&["--secrets"])).contains(&"Secret".to_owned()), "there is no such Secret");
    let stored =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}, "stringData": {"value": "a"}});
    user.apply(&stored).await.stored();
    assert!(kinds(&left(&["--secrets"])).contains(&"Secret".to_owned()));
    let table = audit(&folder, &["-n", "fleet-left"]).stdout;
    assert!(table.contains("What no gateway uses any more:\n  ReplicaSet fleet-left/payments-"), "{table}");
}

/// A page of a list may have at most 16 MiB; a longer one is read in parts.
#[tokio::test(flavor = "multi_thread")]
async fn large_objects_are_read_in_smaller_pages() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("fleet-large", None).await;
    let mut config_map = one(CHART_TOKEN, "ConfigMap");
    config_map["data"]["padding"] = json!("x".repeat(900_000));
    let mut config_maps = Vec::new();
    for number in 0..20 {
        config_map["metadata"]["name"] = json!(format!("large-{number}"));
        user.apply(&config_map).await.stored();
        config_maps.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": config_map["metadata"]}));
    }
    let folder = folder(webhook);
    let report = audit(&folder, &["-n", "fleet-large", "--output", "json"]).json();
    assert!(report["summary"]["objects"].as_u64().unwrap() > 20, "{report}");
    assert_eq!(report["failures"], json!([]));
    for config_map in &config_maps {
        user.delete(config_map).await.stored();
    }
}

/// Any client can write an owner reference: a gateway with a key is listed although its owner has none.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_without_a_key_hides_no_gateway_with_one() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("fleet-owned", Some("off")).await;
    let mut owner = valid("CronJob");
    owner["spec"]["suspend"] = json!(true);
    let owner = user.apply(&owner).await.stored();
    let mut job = with_container("Job", "containers", container_with_auth_key());
    job["metadata"]["name"] = json!("owned");
    job["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true,
    }]);
    user.apply(&job).await.stored();
    let table = audit(&folder(webhook), &["-n", "fleet-owned", "--mode", "audit"]).stdout;
    assert_eq!(row(&table, "owned")[4], "key", "{table}");
}
