//! The text report. It contains ANSI colors; the caller strips them where the output is not a terminal.

use super::{Diagnosis, DoctorFinding, Severity};
use crate::cluster::ReadError;
use crate::policy::printable;
use annotate_snippets::{Group, Level, Origin, Renderer};
use std::fmt::Write;

/// Renders a diagnosis, with ANSI colors.
pub fn render(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for finding in &diagnosis.findings {
        // writing to a String cannot fail
        _ = writeln!(text, "{}\n", render_finding(finding));
    }
    for error in &diagnosis.read_errors {
        _ = writeln!(text, "{}\n", render_read_error(error));
    }
    text.push_str(&summary(diagnosis));
    text
}

fn render_finding(finding: &DoctorFinding) -> String {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&finding.message)).id(finding.code.to_string());
    let location = Origin::path(finding.location.to_string());
    Renderer::styled().render(&[title.element(location).element(Level::HELP.message(printable(&finding.fix)))])
}

fn render_read_error(error: &ReadError) -> String {
    let sentence = error.to_string();
    Renderer::styled().render(&[Group::with_title(Level::NOTE.primary_title(printable(&sentence)))])
}

/// `1 error, 2 warnings; 1 thing could not be examined`
fn summary(diagnosis: &Diagnosis) -> String {
    let counts = [Severity::Error, Severity::Warning].map(|severity| (diagnosis.count(severity), severity.name()));
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    let mut summary = if parts.is_empty() { "no problems found".to_owned() } else { parts.join(", ") };
    if !diagnosis.read_errors.is_empty() {
        _ = write!(summary, "; {} could not be examined", counted(diagnosis.read_errors.len(), "thing"));
    }
    summary + "\n"
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
