//! The diagnosis for people. Colours are for a terminal; whoever prints strips them elsewhere.

use super::{Diagnosis, Finding, Severity};
use crate::cluster::Unread;
use crate::policy::printable;
use annotate_snippets::{Group, Level, Origin, Renderer};
use std::fmt::Write;

/// Renders a diagnosis, with ANSI colours.
pub fn render(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for finding in &diagnosis.findings {
        // writing to a String can't fail
        _ = writeln!(text, "{}\n", told(finding));
    }
    for unread in &diagnosis.unread {
        _ = writeln!(text, "{}\n", remark(unread));
    }
    text.push_str(&summary(diagnosis));
    text
}

fn told(finding: &Finding) -> String {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&finding.problem)).id(finding.fault.to_string());
    let place = Origin::path(finding.place.to_string());
    Renderer::styled().render(&[title.element(place).element(Level::HELP.message(printable(&finding.cure)))])
}

fn remark(unread: &Unread) -> String {
    let sentence = unread.to_string();
    Renderer::styled().render(&[Group::with_title(Level::NOTE.primary_title(printable(&sentence)))])
}

/// `1 error, 2 warnings; 1 thing could not be examined`
fn summary(diagnosis: &Diagnosis) -> String {
    let counts = [Severity::Error, Severity::Warning].map(|severity| (diagnosis.count(severity), severity.name()));
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    let mut summary = if told.is_empty() { "nothing wrong was found".to_owned() } else { told.join(", ") };
    if !diagnosis.unread.is_empty() {
        _ = write!(summary, "; {} could not be examined", counted(diagnosis.unread.len(), "thing"));
    }
    summary + "\n"
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
