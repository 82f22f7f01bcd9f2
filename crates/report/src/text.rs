//! The report as text for people, with ANSI colors; the caller removes them where the output is not a terminal.

use super::{Diagnostic, Failure, Level, Location, Mode, Report, Snippet};
use annotate_snippets::{AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet as Source};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::policy::{dotted, printable};
use jsonptr::Pointer;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

/// Renders a report, with ANSI colors.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for diagnostic in &report.findings {
        _ = writeln!(text, "{}\n", finding(diagnostic));
    }
    text + &summary(report)
}

/// One line for each failure, for stderr: `error: FILE:LINE:COLUMN: MESSAGE`
pub fn failures(report: &Report) -> Vec<String> {
    report.failures.iter().map(failure).collect()
}

fn finding(finding: &Diagnostic) -> String {
    let level = match finding.level {
        Level::Error => Title::ERROR,
        Level::Fixable => Title::WARNING,
        Level::Warning => Title::NOTE,
    };
    let title = level.with_name(finding.level.name()).primary_title(printable(&finding.message)).id(finding.rule);
    let mut group = with_location(Group::with_title(title), finding);
    if let Some(suppression) = &finding.suppressed {
        group = group.element(
            Title::NOTE
                .message(printable(&format!("suppressed by {}: {}", suppression.by, suppression.reason)).into_owned()),
        );
    }
    let label = match (finding.fixes.iter().any(|fix| !fix.edits.is_empty()), finding.mode) {
        (false, _) => "fix",
        (true, Mode::Enforce) => "fix by the webhook",
        (true, Mode::Audit | Mode::Off) => "fix in an enforced namespace",
    };
    for fix in &finding.fixes {
        group = group.element(Title::HELP.with_name(label).message(printable(&fix.title)));
    }
    without_empty_origin(&Renderer::styled().render(&[group]))
}

/// Removes the line `:::` without a path, which annotate-snippets writes before a snippet whose position is written
/// apart from it.
fn without_empty_origin(rendered: &str) -> String {
    let lines: Vec<&str> = rendered.lines().filter(|line| !line.ends_with("::: \u{1b}[0m")).collect();
    lines.join("\n")
}

/// A file as text shows it: `stdin` for `-`.
fn file_name(file: &str) -> &str {
    if file == "-" { "stdin" } else { file }
}

fn with_location<'a>(group: Group<'a>, finding: &'a Diagnostic) -> Group<'a> {
    let (Some(file), Some(span)) = (finding.location.file.as_deref().map(file_name), finding.location.span) else {
        return group.element(Origin::path(describe(finding)));
    };
    let group = match &finding.snippet {
        None => group.element(Origin::path(file).line(span.line).char_column(span.column)),
        Some(snippet) => {
            let annotation = AnnotationKind::Primary.span(bytes(snippet)).label(field(&finding.location));
            let source = Source::source(snippet.line.as_str()).line_start(span.line).annotation(annotation);
            if snippet.underline.start + 1 == span.column {
                group.element(source.path(file))
            } else {
                // Masking has moved the columns, so the position is written apart from the snippet.
                group.element(Origin::path(file).line(span.line).char_column(span.column)).element(source)
            }
        }
    };
    match &finding.object {
        Some(object) => group.element(Title::NOTE.message(format!("in {}", name(object)))),
        None => group,
    }
}

/// `KIND NAMESPACE/NAME: FIELD`, or `API server: PATH`
fn describe(finding: &Diagnostic) -> String {
    let location = &finding.location;
    match (&finding.object, &location.api_path) {
        (Some(object), _) if location.path.as_deref().is_none_or(str::is_empty) => name(object),
        (Some(object), _) => format!("{}: {}", name(object), field(location)),
        (None, Some(path)) => format!("API server: {path}"),
        (None, None) => "API server".to_owned(),
    }
}

fn name(object: &ObjectReference) -> String {
    let separator = if object.namespace.is_empty() { "" } else { "/" };
    printable(&format!("{} {}{separator}{}", object.kind, object.namespace, object.name)).into_owned()
}

fn field(location: &Location) -> String {
    let path = location.path.as_deref().unwrap_or_default();
    Pointer::parse(path).map_or_else(|_| path.to_owned(), dotted)
}

/// The underlined bytes of the line.
fn bytes(Snippet { line, underline }: &Snippet) -> Range<usize> {
    let byte = |character: usize| line.char_indices().nth(character).map_or(line.len(), |(byte, _)| byte);
    byte(underline.start)..byte(underline.end)
}

fn failure(failure: &Failure) -> String {
    let Location { file, span, api_path, .. } = &failure.location;
    let location = match (file, span, api_path) {
        (Some(file), Some(span), _) => format!("{}:{}:{}: ", file_name(file), span.line, span.column),
        (Some(file), None, _) => format!("{}: ", file_name(file)),
        (None, _, Some(path)) => format!("API server: {path}: "),
        (None, _, None) => String::new(),
    };
    printable(&format!("error: {location}{}", failure.message)).into_owned()
}

/// `10 findings (6 errors, 4 fixable) in 3 of 75 objects, 30 gateways`
fn summary(report: &Report) -> String {
    let levels = [
        (report.count(Level::Error), "error"),
        (report.count(Level::Fixable), "fixable"),
        (report.count(Level::Warning), "warning"),
    ];
    let total: usize = levels.iter().map(|(count, _)| count).sum();
    let parts: Vec<String> =
        levels.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    let found = if total == 0 {
        "no findings".to_owned()
    } else {
        format!("{} ({})", counted(total, "finding"), parts.join(", "))
    };
    let mut summary = match &report.gateways {
        None => found,
        Some(gateways) => {
            let of = counted(report.objects, "object");
            let with = if total == 0 { String::new() } else { format!("{} of ", report.objects_with_findings()) };
            format!("{found} in {with}{of}, {}", counted(gateways.len(), "gateway"))
        }
    };
    if total > 0 && report.findings.iter().all(|finding| finding.mode != Mode::Enforce) {
        summary += "; audit mode: nothing is set or denied";
    }
    if report.suppressed() > 0 {
        _ = write!(summary, "; {} suppressed", report.suppressed());
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for skipped in &report.skipped {
        *reasons.entry(&skipped.reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        _ = write!(summary, "; skipped {} {reason}", counted(count, "document"));
    }
    let in_files = report.failures.iter().filter(|failure| failure.location.file.is_some()).count();
    for (count, one, many) in [
        (in_files, "file or document", "files or documents"),
        (report.failures.len() - in_files, "part of the cluster", "parts of the cluster"),
    ] {
        if count > 0 {
            _ = write!(summary, "; {count} {} could not be read", if count == 1 { one } else { many });
        }
    }
    summary + "\n"
}

/// `1 error`, `2 errors`, `2 fixable`
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 || noun == "fixable" { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::super::{Fix, Safety};
    use super::*;
    use apim_keyless_core::policy::Edit;

    fn fixable(mode: Mode, edits: Vec<Edit>) -> String {
        let fix = Fix { title: "set a to \"b\"".to_owned(), safety: Safety::Safe, edits };
        finding(&Diagnostic { mode, fixes: vec![fix], ..Diagnostic::new("rule", Level::Fixable, "Set a") })
    }

    #[test]
    fn only_in_enforce_mode_a_fix_is_by_the_webhook() {
        let edits = || vec![Edit::set(jsonptr::PointerBuf::from_tokens(["a"]), "b")];
        assert!(fixable(Mode::Enforce, edits()).contains("fix by the webhook"));
        for mode in [Mode::Audit, Mode::Off] {
            let text = fixable(mode, edits());
            assert!(text.contains("fix in an enforced namespace") && !text.contains("webhook"), "{text}");
        }
        assert!(!fixable(Mode::Enforce, Vec::new()).contains("webhook"), "a fix without edits is not the webhook's");
    }
}
