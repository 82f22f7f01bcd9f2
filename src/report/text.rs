//! The report for people: each fault with its line underlined, values masked. Colours are for a terminal; whoever
//! prints strips them elsewhere.

use super::{Report, ReportEntry, word};
use crate::policy::{Edit, Level, dotted, printable};
use annotate_snippets::{AnnotationKind, Level as Title, Origin, Renderer, Snippet};
use std::fmt::Write;
use std::ops::Range;

/// Renders a report, with ANSI colours.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for entry in &report.findings {
        // writing to a String can't fail
        _ = writeln!(text, "{}\n", finding(entry));
    }
    text.push_str(&summary(report));
    text
}

fn finding(entry: &ReportEntry) -> String {
    let finding = &entry.finding;
    let level = match finding.level() {
        Level::Fixable => Title::WARNING,
        Level::Error => Title::ERROR,
        Level::Warning => Title::NOTE,
    };
    let annotation = AnnotationKind::Primary.span(span(entry)).label(dotted(&finding.problem.at));
    let snippet = Snippet::source(entry.source_line.as_str()).line_start(entry.line).annotation(annotation);
    let title =
        level.with_name(word(finding.level())).primary_title(printable(&finding.problem.message)).id(finding.rule.id);
    let group = if entry.underline.start + 1 == entry.column {
        title.element(snippet.path(entry.file.as_str()))
    } else {
        // masking has moved the columns, so the place is told apart from the snippet
        title.element(Origin::path(entry.file.as_str()).line(entry.line).char_column(entry.column)).element(snippet)
    };
    let mut group = group.element(Title::NOTE.message(object(entry)));
    for edit in &finding.problem.fix {
        group = group.element(Title::HELP.message(fix(edit)));
    }
    Renderer::styled().render(&[group])
}

fn object(entry: &ReportEntry) -> String {
    let identity = &entry.identity;
    printable(&format!("in {} {}/{}", identity.kind, identity.namespace, identity.name)).into_owned()
}

fn fix(edit: &Edit) -> String {
    let at = dotted(edit.at());
    match edit {
        Edit::Append { value, .. } => format!("the webhook appends {value} to {at}"),
        Edit::Set { value, .. } => format!("the webhook sets {at} to {value}"),
    }
}

/// The bytes of the masked line that are underlined.
fn span(entry: &ReportEntry) -> Range<usize> {
    let line = &entry.source_line;
    let byte = |character: usize| line.char_indices().nth(character).map_or(line.len(), |(byte, _)| byte);
    byte(entry.underline.start)..byte(entry.underline.end)
}

/// `3 objects: 1 refused, 2 mended; 1 document skipped that is no Kubernetes object`
fn summary(report: &Report) -> String {
    let counts = [Level::Error, Level::Fixable, Level::Warning].map(|level| (report.count(level), word(level)));
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let mut summary = format!(
        "{}: {}",
        counted(report.objects, "object"),
        if told.is_empty() { "no fault found".to_owned() } else { told.join(", ") }
    );
    if report.skipped > 0 {
        _ = write!(summary, "; {} without kind skipped", counted(report.skipped, "document"));
    }
    if !report.errors.is_empty() {
        _ = write!(summary, "; {} could not be read", report.errors.len());
    }
    summary + "\n"
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
