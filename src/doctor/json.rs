//! The diagnosis as JSON, for machines. `version` is raised when a field changes its meaning; new fields may come.

use super::{Diagnosis, Finding, Severity};
use serde_json::{Value, json};

/// Renders a diagnosis as one JSON document.
pub fn render(diagnosis: &Diagnosis) -> String {
    let findings: Vec<Value> = diagnosis.findings.iter().map(finding).collect();
    let errors: Vec<Value> =
        diagnosis.unread.iter().map(|unread| json!({"what": unread.what, "problem": unread.reason})).collect();
    let document = json!({
        "version": 1,
        "findings": findings,
        "errors": errors,
        "summary": {
            "error": diagnosis.count(Severity::Error),
            "warning": diagnosis.count(Severity::Warning),
            "unexamined": diagnosis.unread.len(),
        },
    });
    format!("{document:#}\n")
}

fn finding(finding: &Finding) -> Value {
    let object = finding.place.object.as_ref();
    json!({
        "id": finding.fault.to_string(),
        "severity": finding.severity().name(),
        "object": object.map(|object| json!({"kind": object.kind, "namespace": object.namespace, "name": object.name})),
        "path": finding.place.at.as_str(),
        "problem": finding.problem,
        "cure": finding.cure,
    })
}
