//! The position of a finding in a report: file, line, column, and the path in the object.

use serde_json::{Value, json};
use test_support::run::Folder;
use test_support::run::manifests::OUTDATED;

/// File, line and column of the only finding.
fn position(report: &Value) -> (&str, u64, u64) {
    let [finding] = report["findings"].as_array().unwrap().as_slice() else { panic!("{report}") };
    let location = &finding["location"];
    assert_eq!(location["path"], "/spec/template/spec/containers/0/image");
    let number = |field: &str| location[field].as_u64().unwrap();
    // the finding ends where the key ends
    assert_eq!((number("endLine"), number("endColumn") >= number("column") + 5), (number("line"), true), "{location}");
    (location["file"].as_str().unwrap(), number("line"), number("column"))
}

/// The text, indented.
fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// Line and column of the only finding in a file.
fn position_in(text: &str) -> (u64, u64) {
    let report = Folder::with(&[("a.yaml", text)]).report(&["a.yaml"]);
    let (file, line, column) = position(&report);
    assert_eq!(file, "a.yaml");
    (line, column)
}

#[test]
fn lines_and_columns_count_from_1() {
    assert_eq!(position_in(OUTDATED), (12, 9));
}

#[test]
fn lines_of_a_second_document_count_from_the_start_of_the_file() {
    assert_eq!(position_in(&format!("# first\napiVersion: v1\nkind: Service\n---\n{OUTDATED}")), (16, 9));
}

#[test]
fn an_item_of_a_list_has_its_own_path_and_a_position_in_the_file() {
    let items = indented(OUTDATED).replacen("  apiVersion", "- apiVersion", 1);
    assert_eq!(position_in(&format!("apiVersion: v1\nkind: List\nitems:\n{items}")), (15, 11));
}

#[test]
fn columns_count_characters_not_bytes() {
    let text = OUTDATED.replace("- name: gateway\n        image", "- {name: gateway, é: ü, image").replace(
        "2.9.0\n        envFrom:\n        - configMapRef: {name: orders-env}",
        "2.9.0, envFrom: [{configMapRef: {name: a}}]}",
    );
    assert_eq!(position_in(&text), (11, 31));
}

#[test]
fn json_files_have_lines_and_columns() {
    let object: Value = serde_saphyr::from_str(OUTDATED).unwrap();
    let folder = Folder::with(&[("a.json", &object.to_string()), ("b.json", &format!("{object:#}"))]);
    let flat = folder.report(&["a.json"]);
    let column = object.to_string().find("\"image\"").unwrap() as u64 + 1;
    assert_eq!(position(&flat), ("a.json", 1, column));
    let pretty = folder.report(&["b.json"]);
    let (line, text) = (1..)
        .zip(format!("{object:#}").lines().map(str::to_owned).collect::<Vec<_>>())
        .find(|(_, line)| line.contains("\"image\""))
        .unwrap();
    assert_eq!(position(&pretty), ("b.json", line, text.find("\"image\"").unwrap() as u64 + 1));
}

#[test]
fn a_file_of_a_folder_has_the_path_of_the_folder_as_given() {
    let folder = Folder::with(&[("deploy/shop/a.yaml", OUTDATED)]);
    assert_eq!(position(&folder.report(&["deploy"])).0, "deploy/shop/a.yaml");
    assert_eq!(position(&folder.report(&["./deploy/shop"])).0, "./deploy/shop/a.yaml");
}

#[test]
fn stdin_is_named_dash() {
    let ran = Folder::with(&[]).feed(&["check", "-", "--output", "json"], OUTDATED);
    assert_eq!(position(&ran.json()), ("-", 12, 9));
    let ran = Folder::with(&[]).feed(&["check", "-"], OUTDATED);
    assert!(ran.stdout.contains("\n  --> stdin:12:9\n"), "{}", ran.stdout);
}

#[test]
fn stdin_and_files_are_evaluated_in_the_given_order() {
    let folder = Folder::with(&[("a.yaml", OUTDATED), ("b.yaml", OUTDATED)]);
    let report = folder.feed(&["check", "--output", "json", "b.yaml", "-", "a.yaml"], OUTDATED).json();
    let findings = report["findings"].as_array().unwrap().iter();
    let files: Vec<&Value> = findings.map(|finding| &finding["location"]["file"]).collect();
    assert_eq!(files, ["b.yaml", "-", "a.yaml"]);
}

#[test]
fn every_path_exists_in_its_object() {
    let text = "apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: gateway
    image: registry.example/azure-api-management/gateway:v2
    env: [{name: CONFIG__SERVICE__AUTH, valueFrom: {secretKeyRef: {name: a, key: b}}}]
";
    let report = Folder::with(&[("a.yaml", text)]).report(&["a.yaml"]);
    let object: Value = serde_saphyr::from_str(text).unwrap();
    let mut rules = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        let path = finding["location"]["path"].as_str().unwrap();
        assert!(object.pointer(path).is_some(), "{path}");
        rules.push(&finding["rule"]);
    }
    assert_eq!(
        json!(rules),
        json!([
            "missing-identity-label",
            "missing-service-account",
            "missing-configuration-reference",
            "rolling-version",
            "auth-key-reference"
        ])
    );
}
