//! `fixes` of SARIF: an editor that applies them writes what `fix` writes.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use test_support::run::Folder;
use test_support::run::manifests::UNLABELED;
use test_support::sarif_schema;

/// A gateway and a `ServiceAccount` without the label: comments, quotes, wide characters, no line break at the end.
const COMMENTED: &str = "# the orders gateway: größer 🚪
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}   # in flow style
spec:
  template:
    metadata: {annotations: {'größe 🚪': \"ä\"}} # wide
    spec:
      serviceAccountName: \"orders-identity\"
      containers:
        - name: gateway
          image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
          envFrom: [{configMapRef: {name: orders-env}}]
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: orders-identity
  namespace: shop
  annotations:
    azure.workload.identity/client-id: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
# the last line has no line break";

/// Two gateways in one list, each without the label.
const LIST: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ä"}, "spec": {"serviceAccountName": "b", "containers": [
    {"name": "a", "image": "mcr.microsoft.com/azure-api-management/gateway:2.11.1", "envFrom": [{"configMapRef": {"name": "c"}}]}]}},
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b", "labels": {"a": "ö"}}, "spec": {"serviceAccountName": "b", "containers": [
    {"name": "a", "image": "mcr.microsoft.com/azure-api-management/gateway:2.11.1", "envFrom": [{"configMapRef": {"name": "c"}}]}]}}
]}"#;

/// The byte of a line and a column in code points.
fn byte(text: &str, line: &Value, column: &Value) -> usize {
    let (line, column) = (line.as_u64().unwrap(), column.as_u64().unwrap());
    let mut start = 0;
    for _ in 1..line {
        let rest = &text[start..];
        let end = rest.find(['\n', '\r']).unwrap_or_else(|| panic!("no line {line}"));
        start += end + if rest[end..].starts_with("\r\n") { 2 } else { 1 };
    }
    let characters = usize::try_from(column - 1).unwrap();
    let rest = &text[start..];
    rest.char_indices().nth(characters).map_or(text.len(), |(at, _)| start + at)
}

/// The text with the `fixes` of these results.
fn applied(text: &str, fixes: &[&Value]) -> String {
    let mut changes: Vec<(usize, usize, &str)> = Vec::new();
    for fix in fixes {
        assert!(!fix["description"]["text"].as_str().unwrap().is_empty());
        for replaced in fix["artifactChanges"][0]["replacements"].as_array().unwrap() {
            let region = &replaced["deletedRegion"];
            let start = byte(text, &region["startLine"], &region["startColumn"]);
            let end = byte(text, &region["endLine"], &region["endColumn"]);
            changes.push((start, end, replaced["insertedContent"]["text"].as_str().unwrap()));
        }
    }
    changes.sort_by_key(|(start, ..)| *start);
    let mut applied = text.to_owned();
    for (start, end, new) in changes.into_iter().rev() {
        applied.replace_range(start..end, new);
    }
    applied
}

/// The `fixes` of the results for a file, by rule.
fn fixes<'l>(log: &'l Value, file: &str) -> BTreeMap<&'l str, Vec<&'l Value>> {
    let mut fixes: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for result in log["runs"][0]["results"].as_array().unwrap() {
        for fix in result["fixes"].as_array().into_iter().flatten() {
            assert_eq!(fix["artifactChanges"][0]["artifactLocation"]["uri"], file);
            fixes.entry(result["ruleId"].as_str().unwrap()).or_default().push(fix);
        }
    }
    fixes
}

#[test]
fn the_fixes_of_sarif_write_what_fix_writes() {
    let mut rules = BTreeSet::new();
    for (name, text) in [
        ("a.yaml", COMMENTED.to_owned()),
        ("a.yaml", COMMENTED.replace('\n', "\r\n")),
        ("a.yaml", COMMENTED.replace('\n', "\r")),
        ("a.yaml", format!("\u{feff}{COMMENTED}\n")),
        ("a.json", LIST.to_owned()),
        ("a.json", LIST.replace('\n', "")),
        ("a.yaml", UNLABELED.to_owned()),
    ] {
        let folder = Folder::with(&[(name, &text)]);
        let log = folder.run(&["check", "--output", "sarif", name]).json();
        if let Some(validator) = sarif_schema::validator() {
            assert_eq!(sarif_schema::errors(&validator, &log), Vec::<String>::new(), "{log:#}");
        }
        let fixes = fixes(&log, name);
        assert!(!fixes.is_empty(), "{log:#}");
        for (rule, fixes) in fixes {
            rules.insert(rule.to_owned());
            folder.write(name, text.as_bytes());
            let ran = folder.run(&["fix", "--select", rule, name]);
            let written = fs::read_to_string(folder.path(name)).unwrap();
            assert_ne!(written, text, "{rule}: {}", ran.everything());
            // columns do not count a byte order mark
            let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
            assert_eq!(format!("{mark}{}", applied(text.trim_start_matches('\u{feff}'), &fixes)), written, "{rule}");
        }
    }
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), ["missing-identity-label", "unlabeled-service-account"]);
}

#[test]
fn a_fix_that_cannot_be_written_is_left_out() {
    let aliased = "apiVersion: v1
kind: List
items:
- &account
  apiVersion: v1
  kind: ServiceAccount
  metadata: {name: orders, labels: {app.kubernetes.io/component: self-hosted-gateway}}
- *account
";
    let generated = format!("# Code generated by a tool. DO NOT EDIT.\n{UNLABELED}");
    let folder = Folder::with(&[("a.yaml", aliased), ("b.yaml", &generated), ("c/none", ""), ("d.yaml", UNLABELED)]);
    symlink("../d.yaml", folder.path("c/d.yaml")).unwrap();
    for arguments in [&["a.yaml"][..], &["b.yaml"], &["c"]] {
        let log = folder.run(&[&["check", "--output", "sarif"], arguments].concat()).json();
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert!(!results.is_empty(), "{arguments:?}: {log:#}");
        assert!(results.iter().all(|result| result.get("fixes").is_none()), "{arguments:?}: {log:#}");
    }
    // stdin has no file, and an error has no safe fix
    let log = folder.feed(&["check", "--output", "sarif", "-"], UNLABELED).json();
    assert!(fixes(&log, "stdin").is_empty(), "{log:#}");
}

#[test]
fn an_ignored_finding_has_no_fix() {
    let text = format!("# apim-keyless: ignore missing-identity-label a reason\n{UNLABELED}");
    let folder = Folder::with(&[("a.yaml", &text)]);
    let log = folder.run(&["check", "--output", "sarif", "a.yaml"]).json();
    assert!(fixes(&log, "a.yaml").is_empty(), "{log:#}");
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 1);
}

/// An editor can apply all fixes: those of one object are one, because they can insert at the same place.
#[test]
fn the_fixes_of_an_object_are_one() {
    let account = "apiVersion: v1
kind: ServiceAccount
metadata: {name: orders-identity, namespace: shop}
---
";
    let policy = "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: default}
spec:
  defaults: {clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10}
";
    let text = format!("{account}{UNLABELED}");
    let folder = Folder::with(&[("a.yaml", &text), ("policy", policy)]);
    let log = folder.run(&["check", "--policy", "policy", "--output", "sarif", "a.yaml"]).json();
    let all: Vec<&Value> = fixes(&log, "a.yaml").into_values().flatten().collect();
    assert_eq!(all.len(), 2, "{log:#}");
    assert!(all.iter().any(|fix| {
        let title = fix["description"]["text"].as_str().unwrap();
        title.contains("client-id") && title.contains(", set metadata.labels")
    }));
    let selected = ["--select", "unlabeled-service-account"];
    let log_of_rule =
        folder.run(&[&["check", "--policy", "policy", "--output", "sarif", "a.yaml"], &selected[..]].concat()).json();
    let of_rule = &fixes(&log_of_rule, "a.yaml")["unlabeled-service-account"];
    assert!(!of_rule[0]["description"]["text"].as_str().unwrap().contains("client-id"), "{log_of_rule:#}");
    assert_eq!(folder.run(&["fix", "--policy", "policy", "a.yaml"]).code, 0);
    assert_eq!(applied(&text, &all), fs::read_to_string(folder.path("a.yaml")).unwrap());
}

#[test]
fn each_object_of_a_long_list_has_a_fix() {
    let item = "- apiVersion: v1
  kind: ServiceAccount
  metadata: {name: orders, labels: {app.kubernetes.io/component: self-hosted-gateway}}
";
    let text = format!("apiVersion: v1\nkind: List\nitems:\n{}", item.repeat(150));
    let log = Folder::with(&[("a.yaml", &text)]).run(&["check", "--output", "sarif", "a.yaml"]).json();
    let results = log["runs"][0]["results"].as_array().unwrap().iter();
    assert_eq!(results.filter(|result| result["ruleId"] == "unlabeled-service-account").count(), 150);
    assert_eq!(fixes(&log, "a.yaml")["unlabeled-service-account"].len(), 150);
}
