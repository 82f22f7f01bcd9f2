//! The rulings on a file as a snapshot holds them, for a person to read and agree to.

use apim_keyless::gateway::Subject;
use apim_keyless::manifest::Manifests;
use apim_keyless::policy::{Mode, Policy, Ruling, dotted};

/// The rulings on the objects of a file, a line each, and what could not be read of it, as `check` judges them.
pub(crate) fn rulings(policy: &Policy, name: &str, text: &str) -> String {
    let mut manifests = Manifests::default();
    manifests.parse(name, text);
    let mut told = String::new();
    for problem in &manifests.problems {
        told += &format!("  unread: {}\n", problem.problem);
    }
    if manifests.skipped > 0 {
        told += &format!("  skipped: {} without kind\n", manifests.skipped);
    }
    let mut subjects = Vec::new();
    for object in &manifests.objects {
        match Subject::recognise(object.value.to_string(), "apim") {
            Ok(subject) => subjects.extend(subject),
            Err(unreadable) => told += &format!("  unread: {} {}\n", dotted(&unreadable.at), unreadable.problem),
        }
    }
    for (subject, rulings) in subjects.iter().zip(policy.examine_together(&subjects, Mode::Enforce)) {
        for ruling in rulings {
            told += &format!("  {} {}: {}\n", subject.identity.kind, subject.identity.name, line(&ruling));
        }
    }
    if told.is_empty() { "  nothing is wrong\n".to_owned() } else { told }
}

fn line(ruling: &Ruling) -> String {
    format!("{:?} {} at {}", ruling.outcome(), ruling.rule.id, ruling.finding.at)
}
