//! Renders a report as JSON. `version` increases when a field changes its meaning; new fields can appear at any time.

use super::Report;
use crate::policy::{Edit, Level};
use serde_json::{Value, json};

/// Renders a report as one JSON document.
pub fn render(report: &Report) -> String {
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    let failures: Vec<Value> = report
        .failures
        .iter()
        .map(|error| json!({"file": error.file, "line": error.line, "column": error.column, "message": error.message}))
        .collect();
    let document = json!({
        "version": 1,
        "findings": findings,
        "failures": failures,
        "summary": {
            "objects": report.objects,
            "errors": report.count(Level::Error),
            "warnings": report.count(Level::Warning),
            "fixable": report.count(Level::Fixable),
            "skipped": report.skipped,
        },
    });
    format!("{document:#}\n")
}

fn finding(entry: &super::ReportEntry) -> Value {
    let (identity, finding) = (&entry.identity, &entry.finding);
    json!({
        "rule": finding.rule.id,
        "mode": finding.mode,
        "file": entry.file,
        "line": entry.line,
        "column": entry.column,
        "object": {
            "apiVersion": identity.api_version,
            "kind": identity.kind,
            "namespace": identity.namespace,
            "name": identity.name,
        },
        "path": finding.problem.at.as_str(),
        "message": finding.problem.message,
        "fix": fix(&finding.problem.fix),
    })
}

/// `null` without a fix, else its first edit; further edits are in `also`.
fn fix(edits: &[Edit]) -> Value {
    let Some((first, others)) = edits.split_first() else { return Value::Null };
    let mut fix = first.to_json();
    if let (false, Some(members)) = (others.is_empty(), fix.as_object_mut()) {
        members.insert("also".to_owned(), others.iter().map(Edit::to_json).collect());
    }
    fix
}
