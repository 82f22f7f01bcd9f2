//! The rulings on a file as a snapshot holds them, for a person to read and agree to.

use apim_keyless::gateway::KubernetesObject;
use apim_keyless::manifest::Manifests;
use apim_keyless::policy::{Finding, Mode, Policy, dotted};

/// The rulings on the objects of a file, a line each, and what could not be read of it, as `check` judges them.
pub(crate) fn findings(policy: &Policy, name: &str, text: &str) -> String {
    let mut manifests = Manifests::default();
    manifests.parse(name, text);
    let mut told = String::new();
    for message in &manifests.errors {
        told += &format!("  unread: {}\n", message.message);
    }
    if manifests.skipped > 0 {
        told += &format!("  skipped: {} without kind\n", manifests.skipped);
    }
    let mut objects = Vec::new();
    for object in &manifests.objects {
        match KubernetesObject::recognize(object.value.to_string(), "apim") {
            Ok(object) => objects.extend(object),
            Err(shape_error) => told += &format!("  unread: {} {}\n", dotted(&shape_error.at), shape_error.message),
        }
    }
    for (object, findings) in objects.iter().zip(policy.evaluate_all(&objects, Mode::Enforce)) {
        for finding in findings {
            told += &format!("  {} {}: {}\n", object.identity.kind, object.identity.name, line(&finding));
        }
    }
    if told.is_empty() { "  nothing is wrong\n".to_owned() } else { told }
}

fn line(finding: &Finding) -> String {
    format!("{:?} {} at {}", finding.level(), finding.rule.id, finding.problem.at)
}
