//! Gateways in other objects: evaluated where they are, or an error that says that they were not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED, UNLABELED};

/// The text with this indentation.
fn indented(text: &str, spaces: usize) -> String {
    text.lines().flat_map(|line| [&" ".repeat(spaces), line, "\n"].map(str::to_owned)).collect()
}

/// The text as an item of a sequence whose dashes have this indentation.
fn item(text: &str, spaces: usize) -> String {
    format!("{}- {}", " ".repeat(spaces), indented(text, spaces + 2).trim_start())
}

/// Objects that contain a gateway, and the line of its kind there.
fn enclosing(gateway: &str) -> Vec<(String, usize)> {
    let head =
        |api_version: &str, kind: &str| format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n");
    let (object, work) = (head("kubernetes.crossplane.io/v1alpha2", "Object"), "work.open-cluster-management.io/v1");
    let set = "type: addons.cluster.x-k8s.io/resource-set\n";
    vec![
        (format!("{object}spec:\n  forProvider:\n    manifest:\n{}", indented(gateway, 6)), 8),
        (format!("{}spec:\n  workload:\n    manifests:\n{}", head(work, "ManifestWork"), item(gateway, 4)), 8),
        (format!("{}objects:\n{}", head("template.openshift.io/v1", "Template"), item(gateway, 0)), 6),
        (format!("{}data:\n  a.yaml: |\n{}", head("v1", "ConfigMap"), indented(gateway, 4)), 7),
        (
            format!(
                "{}data:\n  a.yaml: |  # the gateway\n    ---\n{}    ---\n{}",
                head("v1", "ConfigMap"),
                indented(gateway, 4),
                indented("apiVersion: v1\nkind: Service\nmetadata: {name: b}\n", 4)
            ),
            8,
        ),
        (format!("{}{set}stringData:\n  a.yaml: |-\n{}", head("v1", "Secret"), indented(gateway, 6)), 8),
        (
            format!("{}resources:\n- content: |\n{}", head("fleet.cattle.io/v1alpha1", "Bundle"), indented(gateway, 4)),
            7,
        ),
        (format!("extraObjects:\n{}", item(gateway, 0)), 3),
    ]
}

#[test]
fn a_gateway_in_another_object_is_evaluated_where_it_is() {
    for (text, line) in enclosing(OUTDATED) {
        let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
        assert_eq!((ran.code, ran.stdout.matches("error[").count()), (1, 1), "{text}: {}", ran.everything());
        // the image is eleven lines below the kind
        assert!(ran.stdout.contains(&format!("--> a.yaml:{}:", line + 10)), "{line} {text}: {}", ran.stdout);
        assert!(ran.stdout.contains("image: mcr.microsoft.com/azure-api-management/gateway:2.9.0"), "{}", ran.stdout);
        assert!(ran.stdout.contains("in Deployment shop/orders"), "{}", ran.stdout);
    }
    for (text, _) in enclosing(KEYLESS) {
        let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{text}");
        assert!(ran.stdout.contains(", 1 gateway"), "{text}: {}", ran.stdout);
    }
}

#[test]
fn a_gateway_in_another_object_is_fixed_where_it_is() {
    for (text, _) in enclosing(UNLABELED) {
        let folder = Folder::with(&[("a.yaml", &text)]);
        let ran = folder.run(&["fix", "a.yaml"]);
        assert_eq!((ran.code, ran.stderr.contains("1 finding fixed in 1 file")), (0, true), "{text}: {}", ran.stderr);
        let after = fs::read_to_string(folder.path("a.yaml")).unwrap();
        let added: Vec<&str> = after.lines().filter(|line| !text.contains(line)).collect();
        assert!(added.iter().any(|line| line.contains("azure.workload.identity/use: \"true\"")), "{after}");
        assert!(text.lines().all(|line| after.contains(line)), "{after}");
        assert_eq!(folder.run(&["check", "a.yaml", "--strict"]).code, 0, "{after}");
    }
}

#[test]
fn a_comment_ignores_a_rule_for_an_object_in_another() {
    let commented =
        OUTDATED.replace("kind: Deployment\n", "kind: Deployment # apim-keyless: ignore unsupported-version why\n");
    for (text, _) in enclosing(&commented) {
        let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
        assert_eq!((ran.code, ran.stdout.contains("1 ignored by comments")), (0, true), "{text}: {}", ran.everything());
    }
}

#[test]
fn a_text_that_cannot_be_evaluated_where_it_is_is_an_error() {
    let head = |kind: &str| format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\n");
    let json = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a.yaml": OUTDATED}});
    for (text, place) in [
        (format!("{}data:\n  a.yaml: {}\n", head("Secret"), STANDARD.encode(OUTDATED)), "5:3"),
        (format!("{}binaryData: {{a.yaml: {}}}\n", head("ConfigMap"), STANDARD.encode(OUTDATED)), "4:14"),
        (format!("{}data: {{a.yaml: {}}}\n", head("ConfigMap"), serde_json::to_string(OUTDATED).unwrap()), "4:8"),
        (format!("{}data:\n  a.yaml: >\n{}", head("ConfigMap"), indented(&OUTDATED.replace('\n', "\n\n"), 4)), "5:3"),
        (format!("{json}"), "1:"),
        // a template in the text
        (
            format!(
                "{}data:\n  a.yaml: |\n{}",
                head("ConfigMap"),
                indented(&OUTDATED.replace("orders,", "{{ name }},"), 4)
            ),
            "5:3",
        ),
    ] {
        let ran = Folder::with(&[("a/a.yaml", &text)]).check("a");
        assert_eq!(ran.code, 2, "{text}: {}", ran.everything());
        let expected = format!("error: a/a.yaml:{place}");
        assert!(ran.stderr.starts_with(&expected), "{text}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("a manifest of a gateway as a text that is not evaluated where it is"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn what_only_mentions_an_object_is_not_evaluated() {
    let head = |kind: &str| format!("apiVersion: {kind}\nmetadata: {{name: a}}\n");
    for text in [
        // a reference, and what the cluster reports
        format!(
            "{}spec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: orders}}}}\n",
            head("autoscaling/v2\nkind: HorizontalPodAutoscaler")
        ),
        format!(
            "{}status:\n  manifest:\n{}",
            head("kubernetes.crossplane.io/v1alpha2\nkind: Object"),
            indented(OUTDATED, 4)
        ),
        // a patch, and a text about manifests
        format!(
            "{}spec:\n  patches:\n  - patch: |\n{}",
            head("kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization"),
            indented(OUTDATED, 6)
        ),
        format!(
            "{}data:\n  README.md: |\n    # The gateway\n    Apply this:\n{}",
            head("v1\nkind: ConfigMap"),
            indented(OUTDATED, 4)
        ),
        // a template of another application, which its controller completes
        format!(
            "{}spec:\n  template: {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: b}}, spec: '{{{{ spec }}}}'}}\n",
            head("a.example/v1\nkind: A")
        ),
    ] {
        let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
        assert_eq!(
            (ran.code, ran.stdout.contains("0 gateways"), ran.stderr.as_str()),
            (0, true, ""),
            "{text}: {}",
            ran.everything()
        );
    }
}

#[test]
fn a_key_in_an_object_in_another_is_an_error_once() {
    let key = "GatewayKey orders&202701010000&Y2FuYXJ5";
    let secret =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: b}}\ndata:\n  value: {}\n", STANDARD.encode(key));
    let config_map =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: b}}\ndata:\n  config.service.auth: {key}\n");
    for inner in [secret, config_map] {
        for (text, line) in enclosing(&inner) {
            let ran = Folder::with(&[("a.yaml", &text)]).check("a.yaml");
            let count = ran.stdout.matches("error[auth-key-literal]").count();
            assert_eq!((ran.code, count), (1, 1), "{text}: {}", ran.everything());
            // a text is only read if its file is about a gateway; else the text as a whole is named
            let places = [line + 3, line - 2, line - 3].map(|line| format!("--> a.yaml:{line}:"));
            assert!(places.iter().any(|place| ran.stdout.contains(place)), "{line} {text}: {}", ran.stdout);
            assert!(!ran.everything().contains("Y2FuYXJ5"), "{}", ran.everything());
        }
    }
}
