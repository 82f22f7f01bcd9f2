//! The JSON report. `version` is raised when a field changes its meaning; fields may be added without that.

use super::{Diagnosis, DoctorFinding, Severity};
use serde_json::{Value, json};

/// Renders a diagnosis as one JSON document.
pub fn render(diagnosis: &Diagnosis) -> String {
    let findings: Vec<Value> = diagnosis.findings.iter().map(finding).collect();
    let errors: Vec<Value> =
        diagnosis.read_errors.iter().map(|error| json!({"what": error.what, "message": error.reason})).collect();
    let document = json!({
        "version": 1,
        "findings": findings,
        "errors": errors,
        "summary": {
            "error": diagnosis.count(Severity::Error),
            "warning": diagnosis.count(Severity::Warning),
            "unexamined": diagnosis.read_errors.len(),
        },
    });
    format!("{document:#}\n")
}

fn finding(finding: &DoctorFinding) -> Value {
    let object = finding.location.object.as_ref();
    json!({
        "id": finding.code.to_string(),
        "severity": finding.severity().name(),
        "object": object.map(|object| json!({"kind": object.kind, "namespace": object.namespace, "name": object.name})),
        "path": finding.location.at.as_str(),
        "message": finding.message,
        "fix": finding.fix,
    })
}
