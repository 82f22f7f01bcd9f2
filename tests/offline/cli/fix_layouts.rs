//! `fix`: what it makes of layouts that are hard to change. What it cannot change without a loss stays, and does not keep
//! other fixes from being made.

use serde_json::Value;
use std::fs;
use test_support::run::manifests::UNLABELED;
use test_support::run::{Folder, RunOutput};

const POLICY: &str = "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: default}
spec:
  defaults: {clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10}
  namespaces:
    shop: {gatewayName: orders}
";

/// A gateway with this text as the value of `labels`.
fn labeled(labels: &str) -> String {
    UNLABELED.replace("  template:\n", &format!("  template:\n    metadata:\n      labels:{labels}\n"))
}

/// The text of a file after `fix` with these arguments.
fn fixed(name: &str, text: &str, arguments: &[&str]) -> (RunOutput, String) {
    let folder = Folder::with(&[(name, text), ("policy", POLICY)]);
    let ran = folder.run(&[&["fix", "--policy", "policy", name], arguments].concat());
    (ran, fs::read_to_string(folder.path(name)).unwrap())
}

const GATEWAY: &str = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {}}, "spec": {"serviceAccountName": "b", "containers": [{"name": "a", "image": "mcr.microsoft.com/azure-api-management/gateway:2.11.1", "envFrom": [{"configMapRef": {"name": "c"}}]}]}}"#;

#[test]
fn json_stays_json() {
    for text in
        [format!("\n[{GATEWAY}]"), format!(" [\n{GATEWAY}\n]\n"), format!("[[{GATEWAY}]]"), format!("\n\n {GATEWAY}")]
    {
        let (ran, after) = fixed("a.json", &text, &[]);
        assert_ne!(after, text, "{}", ran.everything());
        serde_json::from_str::<Value>(&after).unwrap_or_else(|error| panic!("{error}: {after}"));
    }
    // JSON as a text of a ConfigMap
    let config_map =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  a.json: |\n    [{GATEWAY}]\n");
    let (ran, after) = fixed("a.yaml", &config_map, &[]);
    assert!(after.contains(r#""labels": {"azure.workload.identity/use":"true"}"#), "{}{after}", ran.everything());
    let (ran, _) = fixed("a.yaml", &config_map, &["--diff"]);
    assert!(ran.stdout.contains(r#"+    [{"apiVersion": "v1", "kind": "Pod""#), "{}", ran.stdout);
}

#[test]
fn what_is_only_meant_as_json_is_declined() {
    let text = GATEWAY.replace("{\"name\": \"a\", ", "{\n  // the name\n  \"name\": \"a\", ");
    for name in ["a.json", "a.yaml"] {
        let (ran, after) = fixed(name, &text, &[]);
        assert_eq!(after, text, "{}", ran.everything());
    }
    let (ran, after) = fixed("a.json", &GATEWAY.replace("\"kind\"", "'kind'"), &[]);
    assert!(ran.stderr.contains("it is not valid JSON") && after.contains("'kind'"), "{}", ran.stderr);
}

#[test]
fn no_comment_is_lost() {
    for (labels, expected) in [
        (" # a\n        # b\n        {}", " # a\n        # b\n        azure.workload.identity/use: \"true\""),
        (" # a\n        ~", " # a\n        azure.workload.identity/use: \"true\""),
        (" &a {} # b", " &a # b\n        azure.workload.identity/use: \"true\""),
        (" {\n        # a\n      }", " {\n        # a\n        azure.workload.identity/use: \"true\"\n      }"),
        (" { # a\n        }", " { # a\n          azure.workload.identity/use: \"true\"\n        }"),
    ] {
        let (ran, after) = fixed("a.yaml", &labeled(labels), &[]);
        assert_eq!(after, labeled(expected), "{}", ran.everything());
    }
    let env = "        env: [{name: AZURE_CLIENT_ID, value: a}, # about a
          {name: X, value: b}]\n        envFrom";
    let text = labeled("\n        azure.workload.identity/use: \"true\"").replace("        envFrom", env);
    let (ran, after) = fixed("a.yaml", &text, &["--unsafe"]);
    assert_eq!((ran.code, &after), (1, &text), "{}", ran.everything());
    assert!(ran.stderr.contains("overridden-identity-variable: the change would remove a comment"), "{}", ran.stderr);
}

/// A `ConfigMap` of a gateway with this text as its data.
fn config_map(data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: orders-env, namespace: shop}}\ndata:\n{data}---\n{UNLABELED}"
    )
}

#[test]
fn a_declined_fix_keeps_no_other_from_being_made() {
    let endpoint = "  config.service.endpoint: https://x.configuration.azure-api.net\n";
    for (data, reason) in [
        (format!("  config.service.auth: &a ''\n  other: *a\n{endpoint}"), "an alias repeats it"),
        (format!("  config.service.auth: !!binary ''\n{endpoint}"), "its layout cannot be changed"),
    ] {
        let (ran, after) = fixed("a.yaml", &config_map(&data), &[]);
        assert_eq!(ran.code, 1, "{}", ran.everything());
        assert!(ran.stderr.contains(&format!("missing-auth-method: {reason}")), "{}", ran.stderr);
        assert!(after.contains("  gateway.name: orders\n") && after.contains("azure.workload.identity/use"), "{after}");
    }
    let item = UNLABELED.replace('\n', "\n  ");
    let account = "apiVersion: v1\n  kind: ServiceAccount\n  metadata: {name: orders-identity, namespace: shop}\n";
    let declined = item.replace("template:\n", "template:\n      metadata:\n        labels:\n          &k app: a\n");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}\n- {account}", declined.trim_end());
    let (ran, after) = fixed("a.yaml", &list, &[]);
    assert!(ran.stderr.contains("not fixed: a.yaml:11:11: missing-identity-label"), "{}", ran.stderr);
    assert!(after.contains("labels: {azure.workload.identity/use: \"true\"}"), "{after}");
}

#[test]
fn a_text_that_an_alias_repeats_is_declined() {
    let inner = UNLABELED.replace('\n', "\n    ");
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  a.yaml: &a |\n    {}\n  b.yaml: *a\n",
        inner.trim_end()
    );
    let (ran, after) = fixed("a.yaml", &text, &[]);
    assert_eq!(after, text, "{}", ran.everything());
    assert!(ran.stderr.contains("missing-identity-label: an alias repeats it"), "{}", ran.stderr);
}

#[test]
fn what_a_merge_key_supplies_is_not_copied() {
    let text = UNLABELED.replace("  template:\n", "  template:\n    metadata:\n      <<: *m\n");
    let text = format!("x-m: &m {{labels: {{app: orders}}}}\n{text}");
    let (ran, after) = fixed("a.yaml", &text, &[]);
    assert_eq!(after, text, "{}", ran.everything());
    assert!(
        ran.stderr.contains("a.yaml:8:7: missing-identity-label: it is written by an alias or a merge key"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_second_unsafe_run_changes_nothing() {
    let account = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: orders-identity
  namespace: shop
  annotations:
    azure.workload.identity/client_id: 00000000-0000-0000-0000-000000000001
";
    let text = format!("{account}---\n{UNLABELED}");
    let (ran, after) = fixed("a.yaml", &text, &["--unsafe"]);
    assert!(
        ran.stderr
            .contains(": remove metadata.annotations[\"azure.workload.identity/client_id\"] (misspelled-identity-key)"),
        "{}",
        ran.stderr
    );
    assert!(!after.contains("000000000001") && after.contains("client-id: \"7d1c6ae4"), "{after}");
    let (ran, again) = fixed("a.yaml", &after, &["--unsafe"]);
    assert_eq!(again, after, "{}", ran.everything());
}

#[test]
fn a_diff_masks_a_key_where_a_key_of_a_mapping_is_expected() {
    let text =
        labeled("\n        app: orders\n      annotations:\n        GatewayKey gw&202612312359&Y2FuYXJ5Y2FuYXJ5: a");
    let (ran, after) = fixed("a.yaml", &text, &["--diff"]);
    assert_eq!(after, text);
    assert!(
        ran.stdout.contains("+        azure.workload.identity/use") && ran.stdout.contains("***: ***"),
        "{}",
        ran.stdout
    );
    assert!(!ran.everything().contains("Y2FuYXJ5"), "{}", ran.everything());
}

#[test]
fn a_diff_shows_each_change() {
    let stream = format!("{GATEWAY}\n{}\n", GATEWAY.replace("\"labels\": {}", "\"labels\": {\"a\": \"b\"}"));
    let (ran, _) = fixed("a.json", &stream, &["--diff"]);
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("+{")).count(), 2, "{}", ran.stdout);
    let merged = format!(
        "x-m: &m {{annotations: {{a: b}}}}\n{}",
        UNLABELED.replace("  template:\n", "  template:\n    metadata: {<<: *m}\n")
    );
    let (ran, _) = fixed("a.yaml", &merged, &["--diff"]);
    assert!(ran.stdout.contains("+    metadata: {***"), "{}", ran.everything());
}

/// A text ends where the object around it ends: each change was verified without the other.
#[test]
fn of_changes_in_one_place_the_second_waits() {
    let account = "  config.service.endpoint: https://x.configuration.azure-api.net
  a.yaml: |
    apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: orders-identity
      namespace: shop
";
    let text = config_map(account);
    let (ran, after) = fixed("a.yaml", &text, &[]);
    assert_eq!(ran.code, 1, "{}", ran.everything());
    assert!(ran.stderr.contains("unlabeled-service-account: two changes are in the same place"), "{}", ran.stderr);
    assert!(after.contains("namespace: shop\n  config.service.auth: workloadIdentity\n"), "{after}");
    let (ran, after) = fixed("a.yaml", &after, &[]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(after.contains("namespace: shop\n      labels:\n        azure.workload.identity/use"), "{after}");
}
