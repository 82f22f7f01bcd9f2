//! The report as SARIF 2.1.0, for code scanning of GitHub and Azure DevOps and for editors.
//!
//! The form: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. `results` is always there, also empty: an
//! upload without it closes no earlier alert.

use super::location_text::{describe_at, failure, field, name};
use super::{Diagnostic, Failure, Location, Report, RuleDescription, Severity, Span, SuppressedBy, TextFix};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The key of our fingerprint. Its form never changes within version 1.
const FINGERPRINT: &str = "apimKeyless/v1";

/// The columns of our locations count code points.
const COLUMN_KIND: &str = "unicodeCodePoints";

/// Renders a report of the program's version `version` as one SARIF log with one run.
pub fn render(report: &Report, version: &str) -> String {
    let rules = Rules::of(report);
    let notifications: Vec<Value> = report.failures.iter().map(notification).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "apim-keyless",
                    "semanticVersion": version,
                    "rules": rules.descriptions.iter().map(|(rule, uri)| description(rule, *uri)).collect::<Value>(),
                }
            },
            "columnKind": COLUMN_KIND,
            "invocations": [{
                "executionSuccessful": report.failures.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": report.findings.iter().map(|finding| result(finding, report, &rules)).collect::<Value>(),
        }],
    });
    format!("{log:#}\n")
}

/// The rules with findings, in the order of the findings, each with the URL of its page.
struct Rules<'r> {
    descriptions: Vec<(RuleDescription, Option<&'r str>)>,
    index: HashMap<&'r str, usize>,
}

impl<'r> Rules<'r> {
    fn of(report: &'r Report) -> Self {
        let known: HashMap<&str, &RuleDescription> = report.rules.iter().map(|rule| (rule.id, rule)).collect();
        let mut rules = Self { descriptions: Vec::new(), index: HashMap::new() };
        for finding in &report.findings {
            let next = rules.descriptions.len();
            if *rules.index.entry(finding.rule).or_insert(next) == next {
                let unknown = RuleDescription { id: finding.rule, summary: finding.rule, help: "" };
                let rule = known.get(finding.rule).map_or(unknown, |rule| **rule);
                rules.descriptions.push((rule, finding.help_uri.as_deref()));
            }
        }
        rules
    }
}

fn description(rule: &RuleDescription, help_uri: Option<&str>) -> Value {
    let mut description = json!({
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "properties": {"tags": ["security", "kubernetes"]},
    });
    if !rule.help.is_empty() {
        set(&mut description, "help", json!({"text": rule.help, "markdown": rule.help}));
    }
    if let Some(uri) = help_uri {
        set(&mut description, "helpUri", json!(uri));
    }
    description
}

fn result(finding: &Diagnostic, report: &Report, rules: &Rules<'_>) -> Value {
    let level = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut text = finding.message.clone();
    for fix in &finding.fixes {
        text += &format!("\n{}: {}", fix.noun(), fix.title);
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.index.get(finding.rule),
        "level": level,
        "message": {"text": text},
        "locations": [location(&finding.location, finding)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {"level": finding.level.name(), "mode": finding.mode},
    });
    if !finding.related.is_empty() {
        let related = finding.related.iter().map(|related| location(related, finding));
        set(&mut result, "relatedLocations", related.collect());
    }
    if let Some(fix) = finding.text_fix.as_ref().and_then(|of_object| fix(of_object, &finding.location)) {
        set(&mut result, "fixes", json!([fix]));
    }
    if report.gone_from_baseline.is_some() {
        let is_known = finding.suppressed.as_ref().is_some_and(|by| by.by == SuppressedBy::Baseline);
        set(&mut result, "baselineState", json!(if is_known { "unchanged" } else { "new" }));
    }
    if let Some(suppression) = &finding.suppressed {
        let kind = match suppression.by {
            SuppressedBy::Baseline => "external",
            SuppressedBy::Comment => "inSource",
        };
        let suppressions = json!([{"kind": kind, "status": "accepted", "justification": suppression.reason}]);
        set(&mut result, "suppressions", suppressions);
    }
    result
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// A fix as changes of the finding's file; `None` if it is in none.
fn fix(fix: &TextFix, location: &Location) -> Option<Value> {
    let replacements: Vec<Value> = fix
        .replacements
        .iter()
        .map(|replaced| json!({"deletedRegion": region(replaced.span), "insertedContent": {"text": replaced.text}}))
        .collect();
    let change = json!({
        "artifactLocation": {"uri": uri(location.file.as_deref()?)},
        "replacements": replacements,
    });
    Some(json!({"description": {"text": fix.title}, "artifactChanges": [change]}))
}

fn region(span: Span) -> Value {
    json!({
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    })
}

/// A location: the range in the file, and the object with its field.
fn location(location: &Location, finding: &Diagnostic) -> Value {
    let mut result = Map::new();
    if let Some(physical) = physical(location) {
        result.insert("physicalLocation".to_owned(), physical);
    }
    let full_name = describe_at(finding.object.as_ref(), location);
    let logical = match &finding.object {
        Some(object) => {
            json!({"name": field(location), "fullyQualifiedName": full_name, "kind": "member", "decoratedName": name(object)})
        }
        None => json!({"fullyQualifiedName": full_name}),
    };
    if finding.object.is_some() || location.file.is_none() {
        result.insert("logicalLocations".to_owned(), json!([logical]));
    }
    Value::Object(result)
}

fn physical(location: &Location) -> Option<Value> {
    let mut physical = json!({"artifactLocation": {"uri": uri(location.file.as_deref()?)}});
    if let Some(span) = location.span {
        set(&mut physical, "region", region(span));
    }
    Some(physical)
}

fn notification(unread: &Failure) -> Value {
    let mut notification = json!({"level": "error", "message": {"text": failure(unread)}});
    if let Some(physical) = physical(&unread.location) {
        set(&mut notification, "locations", json!([{"physicalLocation": physical}]));
    }
    notification
}

/// A file as a URI: relative to the folder of the run, or absolute with the scheme `file`. Standard input is `stdin`.
fn uri(file: &str) -> String {
    if file == "-" {
        return "stdin".to_owned();
    }
    let scheme = if file.starts_with('/') { "file://" } else { "" };
    let file = file.strip_prefix("./").unwrap_or(file);
    let mut uri = scheme.to_owned();
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_uri() {
        for (file, expected) in [
            ("./deploy/a b.yaml", "deploy/a%20b.yaml"),
            ("c:é.yaml", "c%3A%C3%A9.yaml"),
            ("/tmp/a.yaml", "file:///tmp/a.yaml"),
            ("-", "stdin"),
        ] {
            assert_eq!(uri(file), expected);
        }
    }

    #[test]
    fn the_results_are_there_without_findings() {
        let log: Value = serde_json::from_str(&render(&Report::default(), "1.0.0")).unwrap();
        assert_eq!((&log["runs"][0]["results"], &log["runs"][0]["tool"]["driver"]["rules"]), (&json!([]), &json!([])));
    }
}
