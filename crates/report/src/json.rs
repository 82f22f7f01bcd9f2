//! The report as JSON, for machines: version 1, as `docs/schemas/report-v1.schema.json` describes it. Within a version
//! fields are only added.

use super::{
    Changes, Check, Diagnostic, Failure, Fix, GatewayRow, Leftover, Level, Location, Report, Safety, Skipped, Span,
};
use apim_keyless_core::gateway::ObjectReference;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};

/// The version of the form.
const VERSION: u64 = 1;

/// Renders a report as one JSON document.
pub fn render(report: &Report) -> String {
    let mut text = Vec::new();
    // writing to memory cannot fail
    _ = write(report, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Writes a report as one JSON document. The findings are written one by one: a document of all of them would take several
/// times the memory of the report.
///
/// # Errors
/// The errors of `writer`.
pub fn write(report: &Report, mut writer: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut writer, &Document(report)).map_err(io::Error::from)?;
    writer.write_all(b"\n")
}

struct Document<'r>(&'r Report);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let mut document = serializer.serialize_map(None)?;
        document.serialize_entry("changes", &report.changes.as_ref().map(changes))?;
        document.serialize_entry("checks", &Each(report.checks.as_deref().unwrap_or_default(), check))?;
        document.serialize_entry("failures", &Each(&report.failures, failure))?;
        document.serialize_entry("findings", &Each(&report.findings, finding))?;
        document.serialize_entry("gateways", &Each(report.gateways.as_deref().unwrap_or_default(), gateway))?;
        document.serialize_entry("leftovers", &Each(&report.leftovers, leftover))?;
        document.serialize_entry("skipped", &Each(&report.skipped, skipped))?;
        document.serialize_entry("summary", &summary(report))?;
        document.serialize_entry("version", &VERSION)?;
        document.end()
    }
}

/// A sequence whose elements become JSON one after the other.
struct Each<'e, T>(&'e [T], fn(&T) -> Value);

impl<T> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

fn summary(report: &Report) -> Value {
    json!({
        "objects": report.objects,
        "gateways": report.gateways.as_ref().map_or(0, Vec::len),
        "errors": report.count(Level::Error),
        "fixable": report.count(Level::Fixable),
        "warnings": report.count(Level::Warning),
        "suppressed": report.suppressed(),
        "skipped": report.skipped.len(),
        "leftovers": report.leftovers.len(),
        "failures": report.failures.len(),
        "goneFromBaseline": report.gone_from_baseline,
    })
}

fn changes(changes: &Changes) -> Value {
    let gateways = changes.gateways.iter();
    let gateways = gateways.map(|change| json!({"gateway": change.gateway, "from": change.from, "to": change.to}));
    json!({
        "fixed": changes.fixed,
        "new": changes.new,
        "unchanged": changes.unchanged,
        "gateways": gateways.collect::<Value>(),
    })
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
        "suppressed": suppressed.map(|by| json!({"by": by.by.name(), "reason": by.reason, "expires": by.expires})),
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
        "arcExtension": row.summary.is_arc_extension,
        "level": row.level.map(Level::name),
        "cluster": row.cluster,
        "mode": row.mode,
        "blockedBy": row.blocked_by,
    })
}

fn check(check: &Check) -> Value {
    json!({"id": check.id, "title": check.title, "status": check.status.name()})
}

fn skipped(skipped: &Skipped) -> Value {
    json!({
        "location": location(&skipped.location),
        "object": skipped.object.as_ref().map(object),
        "reason": skipped.reason,
    })
}

fn leftover(leftover: &Leftover) -> Value {
    json!({"cluster": leftover.cluster, "object": object(&leftover.object), "message": leftover.message})
}

fn failure(failure: &Failure) -> Value {
    json!({"location": location(&failure.location), "message": failure.message})
}
