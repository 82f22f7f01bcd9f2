//! Renders a report as text: each finding with its source line underlined and values masked. The text has ANSI colors;
//! the printer removes them if stdout is not a terminal.

use super::{Report, ReportEntry};
use crate::policy::{Edit, Level, dotted, printable};
use annotate_snippets::{AnnotationKind, Level as Title, Origin, Renderer, Snippet};
use std::fmt::Write;
use std::ops::Range;

/// Renders a report, with ANSI colors.
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
    let title = level
        .with_name(<&str>::from(finding.level()))
        .primary_title(printable(&finding.problem.message))
        .id(finding.rule.id);
    let group = if entry.underline.start + 1 == entry.column {
        title.element(snippet.path(entry.file.as_str()))
    } else {
        // masking moves columns, so the position is printed separately from the snippet
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
        Edit::Append { value, .. } => format!("the webhook adds {value} to {at}"),
        Edit::Set { value, .. } => format!("the webhook sets {at} to {value}"),
    }
}

/// The underlined bytes of the masked line.
fn span(entry: &ReportEntry) -> Range<usize> {
    let line = &entry.source_line;
    let byte = |character: usize| line.char_indices().nth(character).map_or(line.len(), |(byte, _)| byte);
    byte(entry.underline.start)..byte(entry.underline.end)
}

/// `2 objects: 2 errors, 2 fixable, 1 warning; skipped 1 document without apiVersion or kind`
fn summary(report: &Report) -> String {
    let counts = [
        (report.count(Level::Error), counted(report.count(Level::Error), "error")),
        (report.count(Level::Fixable), format!("{} fixable", report.count(Level::Fixable))),
        (report.count(Level::Warning), counted(report.count(Level::Warning), "warning")),
    ];
    let counts: Vec<String> = counts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    let mut summary = format!(
        "{}: {}",
        counted(report.objects, "object"),
        if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") }
    );
    if report.skipped > 0 {
        _ = write!(summary, "; skipped {} without apiVersion or kind", counted(report.skipped, "document"));
    }
    if !report.failures.is_empty() {
        _ = write!(summary, "; {} could not be evaluated", report.failures.len());
    }
    summary + "\n"
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
