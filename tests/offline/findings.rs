//! The findings of a file as text, for a snapshot that a person reads and accepts.

use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Finding, Mode, Policy, dotted};
use apim_keyless_manifest::Manifests;
use test_support::TODAY;

/// The findings of the objects in a file, one line each, and its read errors. The evaluation is that of `check`.
pub(crate) fn findings(policy: &Policy, name: &str, text: &str) -> String {
    let mut manifests = Manifests::default();
    manifests.parse(name, text);
    let mut report = String::new();
    for message in &manifests.errors {
        report += &format!("  error: {}\n", message.message);
    }
    if !manifests.skipped.is_empty() {
        report += &format!("  skipped: {} without kind\n", manifests.skipped.len());
    }
    let mut objects = Vec::new();
    for object in &manifests.objects {
        match KubernetesObject::recognize(object.value.to_string(), "apim") {
            Ok(object) => objects.extend(object),
            Err(shape_error) => report += &format!("  error: {} {}\n", dotted(&shape_error.at), shape_error.message),
        }
    }
    for (object, evaluated) in objects.iter().zip(policy.evaluate_all(&objects, Mode::Enforce, TODAY)) {
        for finding in evaluated.findings {
            report += &format!("  {} {}: {}\n", object.reference.kind, object.reference.name, line(&finding));
        }
    }
    if report.is_empty() { "  no findings\n".to_owned() } else { report }
}

fn line(finding: &Finding) -> String {
    format!("{:?} {} at {}", finding.level(), finding.rule.id, finding.problem.at)
}
