//! The report for machines: its form is a contract.

use crate::run::Folder;
use crate::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELLED};
use serde_json::{Value, json};

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "orders"})
}

#[test]
fn a_refused_object_is_told_in_the_form_of_version_1() {
    let folder = Folder::with(&[("a.yaml", OUTDATED)]);
    assert_eq!(
        folder.report(&["a.yaml"]),
        json!({
            "version": 1,
            "findings": [{
                "rule": "unsupported-version",
                "mode": "enforce",
                "file": "a.yaml",
                "line": 12,
                "column": 9,
                "object": deployment(),
                "path": "/spec/template/spec/containers/0/image",
                "problem": "2.9.0 is older than 2.11.0, the first version that can use workload identity",
                "remedy": null,
            }],
            "errors": [],
            "summary": {"objects": 1, "refused": 1, "remarked": 0, "mended": 0, "skipped": 0},
        })
    );
}

#[test]
fn what_could_not_be_read_and_what_was_skipped_is_told_beside_it() {
    let folder = Folder::with(&[("a.yaml", "replicas: 1\n---\na: ]\n"), ("b.yaml", KEYLESS)]);
    assert_eq!(
        folder.report(&["a.yaml", "b.yaml", "none.yaml"]),
        json!({
            "version": 1,
            "findings": [],
            "errors": [
                {
                    "file": "a.yaml", "line": 3, "column": 4,
                    "problem": "a closing bracket or brace without its opening one: remove it or open it",
                },
                {
                    "file": "none.yaml", "line": null, "column": null,
                    "problem": "none.yaml does not exist: check the path",
                },
            ],
            "summary": {"objects": 1, "refused": 0, "remarked": 0, "mended": 0, "skipped": 1},
        })
    );
}

#[test]
fn a_remedy_that_sets_something_makes_a_fault_mended_and_not_refused() {
    let report = Folder::with(&[("a.yaml", UNLABELLED)]).report(&["a.yaml"]);
    let set = json!({"path": "/spec/template/metadata/labels/azure.workload.identity~1use", "value": "true"});
    assert_eq!(report["findings"][0]["remedy"], json!({"set": set}));
    assert_eq!(report["findings"][0]["mode"], "enforce");
    assert_eq!(report["summary"], json!({"objects": 1, "refused": 0, "remarked": 0, "mended": 1, "skipped": 0}));
}

#[test]
fn a_remedy_that_appends_something_names_the_list_and_the_element() {
    let text = KEYLESS.replace("        envFrom:\n        - configMapRef: {name: orders-env}\n", "");
    let report = Folder::with(&[("a.yaml", &text)]).report(&["a.yaml"]);
    assert_eq!(report["findings"][0]["rule"], "missing-configuration-reference");
    assert_eq!(
        report["findings"][0]["remedy"],
        json!({"append": {
            "path": "/spec/template/spec/containers/0/envFrom",
            "value": {"configMapRef": {"name": "apim-gateway-env"}},
        }})
    );
}

#[test]
fn the_mode_of_a_finding_is_the_one_that_counts() {
    let folder = Folder::with(&[("a.yaml", UNLABELLED), ("b.yaml", OUTDATED), ("c.yaml", ROLLING)]);
    let modes = |arguments: &[&str]| -> Vec<String> {
        let report = folder.report(arguments);
        let problems = report["findings"].as_array().unwrap().iter();
        problems.map(|problem| format!("{} {}", problem["rule"], problem["mode"]).replace('"', "")).collect()
    };
    assert_eq!(
        modes(&["."]),
        ["missing-identity-label enforce", "unsupported-version enforce", "rolling-version audit"]
    );
    assert_eq!(
        modes(&[".", "--mode", "audit"]),
        ["missing-identity-label audit", "unsupported-version audit", "rolling-version audit"]
    );
}

#[test]
fn audited_faults_count_as_remarked_and_keep_their_remedy() {
    let folder = Folder::with(&[("a.yaml", UNLABELLED), ("b.yaml", OUTDATED)]);
    let report = folder.report(&[".", "--mode", "audit"]);
    assert_eq!(report["summary"], json!({"objects": 2, "refused": 0, "remarked": 2, "mended": 0, "skipped": 0}));
    assert!(report["findings"][0]["remedy"]["set"].is_object());
}

#[test]
fn the_summary_counts_findings_and_not_the_objects_that_have_them() {
    let text = OUTDATED.replace(r#"{azure.workload.identity/use: "true"}"#, r#"{azure.workload.identity/use: "no"}"#);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders}\n";
    let report = Folder::with(&[("a.yaml", &format!("{text}---\n{service}"))]).report(&["a.yaml"]);
    assert_eq!(report["summary"], json!({"objects": 2, "refused": 2, "remarked": 0, "mended": 0, "skipped": 0}));
}

#[test]
fn further_edits_of_a_remedy_stand_in_also() {
    let folder = Folder::with(&[
        (
            "a.yaml",
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: orders-identity, namespace: shop, labels: {azure.workload.identity/use: 'true'}}\n",
        ),
        (
            "policy",
            "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  defaults:
    clientId: 11111111-1111-1111-1111-111111111111
    tenantId: 22222222-2222-2222-2222-222222222222
    serviceAccount: orders-identity
",
        ),
    ]);
    let edit = |key: &str, digit: &str| {
        let value = "11111111-1111-1111-1111-111111111111".replace('1', digit);
        json!({"path": format!("/metadata/annotations/azure.workload.identity~1{key}"), "value": value})
    };
    assert_eq!(
        folder.report(&["a.yaml", "--policy", "policy"])["findings"][0]["remedy"],
        json!({"set": edit("client-id", "1"), "also": [{"set": edit("tenant-id", "2")}]})
    );
}
