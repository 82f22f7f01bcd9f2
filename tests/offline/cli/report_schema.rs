//! JSON reports fit their published schema, and the schema has every field of them.

use serde_json::{Value, json};
use test_support::report_schema::{assert_valid, is_valid};
use test_support::run::manifests::{KEYLESS, OUTDATED, ROLLING, UNLABELED};
use test_support::run::{Folder, in_project};

/// Runs of `check` in the project's folder.
const IN_PROJECT: &[&[&str]] = &[
    &["deploy/examples", "--policy", "deploy/policy.yaml"],
    &["deploy/examples", "--policy", "deploy/policy.yaml", "--mode", "audit"],
    &["tests/manifests"],
    &["tests/manifests", "deploy/examples", "deploy/install.yaml", "--mode", "audit"],
    // neither manifests nor all of them readable
    &["deploy/chart", "Cargo.toml", "docs", "none.yaml"],
];

/// Files that cannot be read or evaluated as a whole, or have documents that are skipped.
const FILES: &[(&str, &str)] = &[
    ("bracket.yaml", "a: ]\n"),
    ("empty.yaml", ""),
    ("helm.yaml", "{{- if .Values.enabled }}\napiVersion: v1\nkind: Pod\n{{- end }}\n"),
    ("keyless.yaml", KEYLESS),
    ("outdated.yaml", OUTDATED),
    ("rolling.yaml", ROLLING),
    ("scalar.yaml", "canary\n"),
    ("skipped.yaml", "replicas: 1\n---\ngateway: {auth: a}\n"),
    ("unlabeled.yaml", UNLABELED),
    ("wrong-type.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n"),
];

/// The arguments of `check` with a JSON report.
fn check<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["check", "--output", "json"], arguments].concat()
}

/// The JSON reports of `check` over many inputs.
fn reports() -> Vec<Value> {
    let mut reports: Vec<Value> = IN_PROJECT.iter().map(|arguments| in_project(&check(arguments)).json()).collect();
    let folder = Folder::with(FILES);
    folder.write("bytes.yaml", b"kind: \xff\xfe");
    for mode in ["enforce", "audit"] {
        reports.push(folder.run(&check(&[".", "none", "--mode", mode])).json());
        reports.push(folder.feed(&check(&["-", "--mode", mode]), OUTDATED).json());
        for (file, _) in FILES {
            reports.push(folder.run(&check(&[file, "--mode", mode])).json());
        }
    }
    reports
}

#[test]
fn every_report_fits_the_schema() {
    let reports = reports();
    reports.iter().for_each(assert_valid);
    for list in ["findings", "gateways", "skipped", "failures"] {
        let count: usize = reports.iter().map(|report| report[list].as_array().unwrap().len()).sum();
        assert!(count > 5, "only {count} {list}");
    }
}

#[test]
fn a_field_that_the_schema_lacks_is_found_in_every_object_of_a_report() {
    let all = reports();
    // the first of them has a finding with a fix
    let report = all.iter().find(|report| report.pointer("/findings/0/fixes/0/edits/0").is_some()).unwrap();
    let failed = all.iter().find(|report| report["failures"][0].is_object() && report["skipped"][0].is_object());
    for report in [report, failed.unwrap()] {
        let pointers = objects(report, String::new());
        assert!(pointers.len() > 8, "{pointers:?}");
        for pointer in pointers {
            let mut changed = report.clone();
            changed.pointer_mut(&pointer).unwrap()["futureField"] = json!(1);
            assert!(!is_valid(&changed), "the schema accepts a further field at {pointer:?}");
        }
    }
}

#[test]
fn a_missing_field_is_found_in_every_object_of_a_report() {
    let all = reports();
    let report = all.iter().find(|report| report.pointer("/findings/0/fixes/0/edits/0").is_some()).unwrap();
    for pointer in objects(report, String::new()) {
        let keys: Vec<String> = report.pointer(&pointer).unwrap().as_object().unwrap().keys().cloned().collect();
        for key in keys {
            let mut changed = report.clone();
            changed.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(&key);
            assert!(!is_valid(&changed), "the schema accepts a report without {key} at {pointer:?}");
        }
    }
}

/// The pointers of all objects of a report. The value of an edit may be anything, so what is in it does not count.
fn objects(value: &Value, at: String) -> Vec<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(key, _)| *key != "value");
            members.map(|(key, member)| (format!("{at}/{key}"), member)).collect()
        }
        Value::Array(elements) => {
            (0..).zip(elements).map(|(index, element): (usize, _)| (format!("{at}/{index}"), element)).collect()
        }
        _ => Vec::new(),
    };
    let within = members.into_iter().flat_map(|(at, member)| objects(member, at));
    value.is_object().then_some(at).into_iter().chain(within).collect()
}
