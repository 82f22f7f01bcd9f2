//! The JSON report: its fields are a contract.

use serde_json::{Value, json};
use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELED};

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "orders"})
}

/// The row of the gateway, which has this version, a worst finding of this level and errors of these rules.
fn gateway(version: &str, level: &Value, blocked_by: &[&str]) -> Value {
    let image = format!("mcr.microsoft.com/azure-api-management/gateway:{version}");
    json!({
        "object": deployment(), "authentication": "unknown", "image": image, "version": version,
        "serviceAccount": "orders-identity", "arcExtension": false, "level": level, "cluster": null, "mode": "enforce",
        "blockedBy": blocked_by,
    })
}

/// The number of findings of each level.
fn levels(report: &Value) -> [u64; 3] {
    ["errors", "fixable", "warnings"].map(|level| report["summary"][level].as_u64().unwrap())
}

#[test]
fn an_error_has_the_fields_of_version_1() {
    let folder = Folder::with(&[("a.yaml", OUTDATED)]);
    let newer = "mcr.microsoft.com/azure-api-management/gateway:2.11.0";
    assert_eq!(
        folder.report(&["a.yaml"]),
        json!({
            "version": 1,
            "changes": null,
            "findings": [{
                "rule": "unsupported-version",
                "level": "error",
                "mode": "enforce",
                "fingerprint": "8f204b199f67e196",
                "cluster": null,
                "object": deployment(),
                "location": {
                    "file": "a.yaml", "line": 12, "column": 9, "endLine": 12, "endColumn": 14,
                    "path": "/spec/template/spec/containers/0/image", "apiPath": null,
                },
                "related": [],
                "message": "Use gateway image version 2.11.0 or newer in container \"gateway\": the image named 2.9.0 is older than the first version that supports workload identity",
                "fixes": [{
                    "title": format!("set spec.template.spec.containers[0].image to \"{newer}\""),
                    "safety": "unsafe",
                    "edits": [{"op": "set", "path": "/spec/template/spec/containers/0/image", "value": newer}],
                }],
                "helpUri": null,
                "suppressed": null,
            }],
            "gateways": [gateway("2.9.0", &json!("error"), &["unsupported-version"])],
            "checks": [],
            "leftovers": [],
            "skipped": [],
            "failures": [],
            "summary": {
                "objects": 1, "gateways": 1, "errors": 1, "fixable": 0, "warnings": 0, "suppressed": 0, "skipped": 0, "leftovers": 0,
                "failures": 0, "goneFromBaseline": null,
            },
        })
    );
}

#[test]
fn failures_and_skipped_documents_are_reported() {
    let folder = Folder::with(&[("a.yaml", "replicas: 1\n---\na: ]\n"), ("b.yaml", KEYLESS)]);
    let location = |file: &str, from: Option<(u64, u64)>, to: Option<(u64, u64)>| {
        json!({
            "file": file, "line": from.map(|from| from.0), "column": from.map(|from| from.1),
            "endLine": to.map(|to| to.0), "endColumn": to.map(|to| to.1), "path": null, "apiPath": null,
        })
    };
    assert_eq!(
        folder.report(&["a.yaml", "b.yaml", "none.yaml"]),
        json!({
            "version": 1,
            "changes": null,
            "findings": [],
            "gateways": [gateway("2.11.1", &Value::Null, &[])],
            "checks": [],
            "leftovers": [],
            "skipped": [{
                "location": location("a.yaml", Some((1, 1)), Some((1, 2))), "object": null,
                "reason": "without apiVersion and kind",
            }],
            "failures": [
                {
                    "location": location("a.yaml", Some((3, 4)), Some((3, 5))),
                    "message": "a closing bracket or brace without an opening one; remove it or add the opening one",
                },
                {"location": location("none.yaml", None, None), "message": "does not exist; check the path"},
            ],
            "summary": {
                "objects": 1, "gateways": 1, "errors": 0, "fixable": 0, "warnings": 0, "suppressed": 0, "skipped": 1, "leftovers": 0,
                "failures": 2, "goneFromBaseline": null,
            },
        })
    );
}

#[test]
fn a_finding_with_a_fix_is_fixable() {
    let report = Folder::with(&[("a.yaml", UNLABELED)]).report(&["a.yaml"]);
    let path = "/spec/template/metadata/labels/azure.workload.identity~1use";
    assert_eq!(
        report["findings"][0]["fixes"],
        json!([{
            "title": "set spec.template.metadata.labels[\"azure.workload.identity/use\"] to \"true\"", "safety": "safe",
            "edits": [{"op": "set", "path": path, "value": "true"}],
        }])
    );
    assert_eq!(
        (&report["findings"][0]["level"], &report["findings"][0]["mode"]),
        (&json!("fixable"), &json!("enforce"))
    );
    assert_eq!((levels(&report), &report["summary"]["objects"]), ([0, 1, 0], &json!(1)));
}

#[test]
fn a_fix_that_appends_names_the_list_and_the_element() {
    let text = KEYLESS.replace("        envFrom:\n        - configMapRef: {name: orders-env}\n", "");
    let report = Folder::with(&[("a.yaml", &text)]).report(&["a.yaml"]);
    assert_eq!(report["findings"][0]["rule"], "missing-configuration-reference");
    assert_eq!(
        report["findings"][0]["fixes"][0]["edits"],
        json!([{
            "op": "append", "path": "/spec/template/spec/containers/0/envFrom",
            "value": {"configMapRef": {"name": "apim-gateway-env"}},
        }])
    );
}

#[test]
fn a_finding_has_the_mode_of_the_namespace_and_the_level_of_its_rule() {
    let folder = Folder::with(&[("a.yaml", UNLABELED), ("b.yaml", OUTDATED), ("c.yaml", ROLLING)]);
    let found = |arguments: &[&str]| -> Vec<String> {
        let report = folder.report(arguments);
        let findings = report["findings"].as_array().unwrap().iter();
        let text = |finding: &Value| format!("{} {} {}", finding["rule"], finding["mode"], finding["level"]);
        findings.map(|finding| text(finding).replace('"', "")).collect()
    };
    for mode in ["enforce", "audit"] {
        assert_eq!(
            found(&[".", "--mode", mode]),
            [
                format!("missing-identity-label {mode} fixable"),
                format!("unsupported-version {mode} error"),
                // the rule itself only warns
                format!("rolling-version {mode} warning"),
            ]
        );
    }
    assert_eq!(found(&["."]), found(&[".", "--mode", "enforce"]));
}

#[test]
fn findings_in_audit_mode_keep_their_level_and_their_fix() {
    let folder = Folder::with(&[("a.yaml", UNLABELED), ("b.yaml", OUTDATED)]);
    let report = folder.report(&[".", "--mode", "audit"]);
    assert_eq!((levels(&report), &report["summary"]["objects"]), ([1, 1, 0], &json!(2)));
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| finding["mode"] == "audit"), "{report}");
    assert_eq!(report["findings"][0]["fixes"][0]["edits"][0]["op"], "set");
    let text = folder.run(&["check", ".", "--mode", "audit"]).stdout;
    assert!(text.ends_with("; audit mode: nothing is set or denied\n"), "{text}");
}

#[test]
fn the_summary_counts_findings_not_objects() {
    let text = OUTDATED.replace(r#"{azure.workload.identity/use: "true"}"#, r#"{azure.workload.identity/use: "no"}"#);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders}\n";
    let report = Folder::with(&[("a.yaml", &format!("{text}---\n{service}"))]).report(&["a.yaml"]);
    let summary = json!({
        "objects": 2, "gateways": 1, "errors": 2, "fixable": 0, "warnings": 0, "suppressed": 0, "skipped": 0, "failures": 0, "leftovers": 0,
        "goneFromBaseline": null,
    });
    assert_eq!(report["summary"], summary);
}

#[test]
fn a_fix_lists_all_of_its_edits() {
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
        let path = format!("/metadata/annotations/azure.workload.identity~1{key}");
        json!({"op": "set", "path": path, "value": value})
    };
    let report = folder.report(&["a.yaml", "--policy", "policy"]);
    let fixes = report["findings"][0]["fixes"].as_array().unwrap();
    assert_eq!(fixes.len(), 1, "{fixes:?}");
    assert_eq!(fixes[0]["edits"], json!([edit("client-id", "1"), edit("tenant-id", "2")]));
}
