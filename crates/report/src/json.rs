//! The report as JSON, for machines: version 1, as `docs/schemas/report-v1.schema.json` describes it. Within a version
//! fields are only added.

use super::{Diagnostic, Failure, Fix, GatewayRow, Level, Location, Report, Safety, Skipped, Span};
use apim_keyless_core::gateway::ObjectReference;
use serde_json::{Value, json};

/// The version of the form.
const VERSION: u64 = 1;

/// Renders a report as one JSON document.
pub fn render(report: &Report) -> String {
    let document = json!({
        "version": VERSION,
        "findings": report.findings.iter().map(finding).collect::<Value>(),
        "gateways": report.gateways.iter().flatten().map(gateway).collect::<Value>(),
        "skipped": report.skipped.iter().map(skipped).collect::<Value>(),
        "failures": report.failures.iter().map(failure).collect::<Value>(),
        "summary": {
            "objects": report.objects,
            "gateways": report.gateways.as_ref().map_or(0, Vec::len),
            "errors": report.count(Level::Error),
            "fixable": report.count(Level::Fixable),
            "warnings": report.count(Level::Warning),
            "suppressed": report.suppressed(),
            "skipped": report.skipped.len(),
            "failures": report.failures.len(),
        },
    });
    format!("{document:#}\n")
}

fn finding(finding: &Diagnostic) -> Value {
    let suppressed = finding.suppressed.as_ref();
    json!({
        "rule": finding.rule,
        "level": finding.level.name(),
        "mode": finding.mode,
        "fingerprint": finding.fingerprint,
        "cluster": finding.cluster,
        "object": finding.object.as_ref().map(object),
        "location": location(&finding.location),
        "related": finding.related.iter().map(location).collect::<Value>(),
        "message": finding.message,
        "fixes": finding.fixes.iter().map(fix).collect::<Value>(),
        "helpUri": finding.help_uri,
        "suppressed": suppressed.map(|by| json!({"by": by.by, "reason": by.reason, "expires": by.expires})),
    })
}

fn object(object: &ObjectReference) -> Value {
    json!({
        "apiVersion": object.api_version,
        "kind": object.kind,
        "namespace": Some(&object.namespace).filter(|namespace| !namespace.is_empty()),
        "name": object.name,
    })
}

fn location(location: &Location) -> Value {
    let number = |number: fn(Span) -> usize| location.span.map(number);
    json!({
        "file": location.file,
        "line": number(|span| span.line),
        "column": number(|span| span.column),
        "endLine": number(|span| span.end_line),
        "endColumn": number(|span| span.end_column),
        "path": location.path,
        "apiPath": location.api_path,
    })
}

fn fix(fix: &Fix) -> Value {
    let safety = match fix.safety {
        Safety::Safe => "safe",
        Safety::Unsafe => "unsafe",
    };
    json!({"title": fix.title, "safety": safety, "edits": fix.edits.iter().map(super::Edit::to_json).collect::<Value>()})
}

fn gateway(row: &GatewayRow) -> Value {
    json!({
        "object": object(&row.object),
        "authentication": row.summary.authentication.name(),
        "image": row.summary.image,
        "version": row.summary.version,
        "serviceAccount": row.summary.service_account,
        "level": row.level.map(Level::name),
    })
}

fn skipped(skipped: &Skipped) -> Value {
    json!({
        "location": location(&skipped.location),
        "object": skipped.object.as_ref().map(object),
        "reason": skipped.reason,
    })
}

fn failure(failure: &Failure) -> Value {
    json!({"location": location(&failure.location), "message": failure.message})
}
