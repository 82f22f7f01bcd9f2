//! The JSON report: its fields are a contract.

use serde_json::{Value, json};
use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELED};

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "orders"})
}

#[test]
fn an_error_has_the_fields_of_version_1() {
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
                "message": "Use gateway image version 2.11.0 or newer: the image named 2.9.0 is older than the first version that supports workload identity",
                "fix": null,
            }],
            "failures": [],
            "summary": {"objects": 1, "errors": 1, "fixable": 0, "warnings": 0, "skipped": 0},
        })
    );
}

#[test]
fn failures_and_skipped_documents_are_reported() {
    let folder = Folder::with(&[("a.yaml", "replicas: 1\n---\na: ]\n"), ("b.yaml", KEYLESS)]);
    assert_eq!(
        folder.report(&["a.yaml", "b.yaml", "none.yaml"]),
        json!({
            "version": 1,
            "findings": [],
            "failures": [
                {
                    "file": "a.yaml", "line": 3, "column": 4,
                    "message": "a closing bracket or brace without an opening one; remove it or add the opening one",
                },
                {
                    "file": "none.yaml", "line": null, "column": null,
                    "message": "does not exist; check the path",
                },
            ],
            "summary": {"objects": 1, "errors": 0, "fixable": 0, "warnings": 0, "skipped": 1},
        })
    );
}

#[test]
fn a_finding_with_a_fix_is_fixable() {
    let report = Folder::with(&[("a.yaml", UNLABELED)]).report(&["a.yaml"]);
    let set = json!({"path": "/spec/template/metadata/labels/azure.workload.identity~1use", "value": "true"});
    assert_eq!(report["findings"][0]["fix"], json!({"set": set}));
    assert_eq!(report["findings"][0]["mode"], "enforce");
    assert_eq!(report["summary"], json!({"objects": 1, "errors": 0, "fixable": 1, "warnings": 0, "skipped": 0}));
}

#[test]
fn a_fix_that_appends_names_the_list_and_the_element() {
    let text = KEYLESS.replace("        envFrom:\n        - configMapRef: {name: orders-env}\n", "");
    let report = Folder::with(&[("a.yaml", &text)]).report(&["a.yaml"]);
    assert_eq!(report["findings"][0]["rule"], "missing-configuration-reference");
    assert_eq!(
        report["findings"][0]["fix"],
        json!({"append": {
            "path": "/spec/template/spec/containers/0/envFrom",
            "value": {"configMapRef": {"name": "apim-gateway-env"}},
        }})
    );
}

#[test]
fn the_mode_of_a_finding_is_the_milder_of_both() {
    let folder = Folder::with(&[("a.yaml", UNLABELED), ("b.yaml", OUTDATED), ("c.yaml", ROLLING)]);
    let modes = |arguments: &[&str]| -> Vec<String> {
        let report = folder.report(arguments);
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|finding| format!("{} {}", finding["rule"], finding["mode"]).replace('"', "")).collect()
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
fn findings_in_audit_mode_are_warnings_and_keep_their_fix() {
    let folder = Folder::with(&[("a.yaml", UNLABELED), ("b.yaml", OUTDATED)]);
    let report = folder.report(&[".", "--mode", "audit"]);
    assert_eq!(report["summary"], json!({"objects": 2, "errors": 0, "fixable": 0, "warnings": 2, "skipped": 0}));
    assert!(report["findings"][0]["fix"]["set"].is_object());
}

#[test]
fn the_summary_counts_findings_not_objects() {
    let text = OUTDATED.replace(r#"{azure.workload.identity/use: "true"}"#, r#"{azure.workload.identity/use: "no"}"#);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders}\n";
    let report = Folder::with(&[("a.yaml", &format!("{text}---\n{service}"))]).report(&["a.yaml"]);
    assert_eq!(report["summary"], json!({"objects": 2, "errors": 2, "fixable": 0, "warnings": 0, "skipped": 0}));
}

#[test]
fn further_edits_of_a_fix_are_in_also() {
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
        folder.report(&["a.yaml", "--policy", "policy"])["findings"][0]["fix"],
        json!({"set": edit("client-id", "1"), "also": [{"set": edit("tenant-id", "2")}]})
    );
}
