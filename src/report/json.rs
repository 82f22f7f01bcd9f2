//! The report as JSON, for machines. `version` is raised when a field changes its meaning; new fields may come.

use super::Report;
use crate::policy::{Edit, Outcome};
use serde_json::{Value, json};

/// Renders a report as one JSON document.
pub fn render(report: &Report) -> String {
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    let errors: Vec<Value> = report
        .errors
        .iter()
        .map(|unread| json!({"file": unread.file, "line": unread.line, "column": unread.column, "problem": unread.problem}))
        .collect();
    let document = json!({
        "version": 1,
        "findings": findings,
        "errors": errors,
        "summary": {
            "objects": report.objects,
            "refused": report.count(Outcome::Refused),
            "remarked": report.count(Outcome::Remarked),
            "mended": report.count(Outcome::Mended),
            "skipped": report.skipped,
        },
    });
    format!("{document:#}\n")
}

fn finding(entry: &super::Entry) -> Value {
    let (identity, ruling) = (&entry.identity, &entry.ruling);
    json!({
        "rule": ruling.rule.id,
        "mode": ruling.mode,
        "file": entry.file,
        "line": entry.line,
        "column": entry.column,
        "object": {
            "apiVersion": identity.api_version,
            "kind": identity.kind,
            "namespace": identity.namespace,
            "name": identity.name,
        },
        "path": ruling.finding.at.as_str(),
        "problem": ruling.finding.problem,
        "remedy": remedy(&ruling.finding.remedy),
    })
}

/// `null`, or the edit that the rule is about; what is edited beside it stands in `also`.
fn remedy(edits: &[Edit]) -> Value {
    let Some((first, others)) = edits.split_first() else { return Value::Null };
    let mut remedy = first.to_json();
    if let (false, Some(members)) = (others.is_empty(), remedy.as_object_mut()) {
        members.insert("also".to_owned(), others.iter().map(Edit::to_json).collect());
    }
    remedy
}
