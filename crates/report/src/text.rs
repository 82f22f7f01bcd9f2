//! The report as text for people, with ANSI colors; the caller removes them where the output is not a terminal.

use super::location_text::{counted, describe, failure, field, file_name, ignored, name};
use super::{Diagnostic, GatewayRow, Level, Mode, Report, Safety, Snippet, SuppressedBy, check};
use annotate_snippets::{AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet as Source};
use apim_keyless_core::policy::printable;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::ops::Range;

/// Longest source line that is shown as a whole, in characters.
const LINE_CHARACTERS: usize = 160;
/// Characters of a longer line that are shown before the underlined ones.
const BEFORE_UNDERLINE: usize = 60;
/// Replaces the rest of a longer line.
const REST: &str = "...";

/// Renders a report as [`write()`] writes it.
pub fn render(report: &Report) -> String {
    let mut text = Vec::new();
    // writing to memory cannot fail
    _ = write(report, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Writes a report, with ANSI colors: a table of the gateways if there are several, the findings, what comments ignore, and
/// the summary. Findings that a baseline knows are only counted.
///
/// # Errors
/// The errors of `writer`.
pub fn write(report: &Report, mut writer: impl io::Write) -> io::Result<()> {
    write!(writer, "{}", check::lines(report))?;
    if let Some(gateways) = report.gateways.as_deref().filter(|gateways| gateways.len() > 1) {
        write!(writer, "{}", table(gateways))?;
    }
    write_findings(report, &mut writer)?;
    let mut end = "";
    for (finding, suppression) in report.suppressed_by(SuppressedBy::Comment) {
        writeln!(writer, "{}", ignored(finding, &suppression.reason))?;
        end = "\n";
    }
    write!(writer, "{end}{}", summary(report))
}

/// Writes the findings that nothing suppresses, each followed by an empty line.
///
/// # Errors
/// The errors of `writer`.
pub fn write_findings(report: &Report, mut writer: impl io::Write) -> io::Result<()> {
    for diagnostic in report.findings.iter().filter(|finding| finding.suppressed.is_none()) {
        writeln!(
            writer,
            "{}
",
            finding(diagnostic)
        )?;
    }
    Ok(())
}

/// One line for each failure, for stderr: `error: FILE:LINE:COLUMN: MESSAGE`
pub fn failures(report: &Report) -> Vec<String> {
    report.failures.iter().map(|unread| format!("error: {}", failure(unread))).collect()
}

/// The gateways as a table, one a line, in the columns of kubectl, and an empty line.
fn table(gateways: &[GatewayRow]) -> String {
    let heading = ["NAMESPACE", "NAME", "AUTHENTICATION", "IMAGE", "SERVICEACCOUNT", "LEVEL"].map(str::to_owned);
    let rows = gateways.iter().map(|gateway| {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { printable(text).into_owned() };
        [
            or_dash(&gateway.object.namespace),
            or_dash(&gateway.object.name),
            gateway.summary.authentication.name().to_owned(),
            or_dash(&gateway.summary.image),
            or_dash(gateway.summary.service_account.as_deref().unwrap_or_default()),
            or_dash(gateway.level.map(Level::name).unwrap_or_default()),
        ]
    });
    columns(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()) + "\n"
}

/// Rows as lines whose columns are aligned.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn finding(finding: &Diagnostic) -> String {
    let level = match finding.level {
        Level::Error => Title::ERROR,
        Level::Fixable => Title::WARNING,
        Level::Warning => Title::NOTE,
    };
    let title = level.with_name(finding.level.name()).primary_title(printable(&finding.message)).id(finding.rule);
    let mut group = with_location(Group::with_title(title), finding);
    for fix in &finding.fixes {
        let label = match (fix.edits.is_empty(), fix.safety, finding.mode) {
            (true, ..) => "fix",
            (false, Safety::Unsafe, _) => "possible fix",
            (false, Safety::Safe, Mode::Enforce) => "fix by the webhook",
            (false, Safety::Safe, Mode::Audit | Mode::Off) => "fix in an enforced namespace",
        };
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

fn with_location<'a>(group: Group<'a>, finding: &'a Diagnostic) -> Group<'a> {
    let file = finding.location.file.as_deref().map(|file| printable(file_name(file)));
    let (Some(file), Some(span)) = (file, finding.location.span) else {
        return group.element(Origin::path(describe(finding)));
    };
    let group = match &finding.snippet {
        None => group.element(Origin::path(file).line(span.line).char_column(span.column)),
        Some(snippet) => {
            let snippet = shortened(snippet);
            let annotation = AnnotationKind::Primary.span(bytes(&snippet)).label(field(&finding.location));
            let source = Source::source(snippet.line.clone()).line_start(span.line).annotation(annotation);
            if snippet.underline.start + 1 == span.column {
                group.element(source.path(file))
            } else {
                // Masking or shortening has moved the columns, so the position is written apart from the snippet.
                group.element(Origin::path(file).line(span.line).char_column(span.column)).element(source)
            }
        }
    };
    match &finding.object {
        Some(object) => group.element(Title::NOTE.message(format!("in {}", name(object)))),
        None => group,
    }
}

/// The part of a long line around its underlined characters: a file of many gateways can be one line.
fn shortened(snippet: &Snippet) -> Cow<'_, Snippet> {
    let Snippet { line, underline } = snippet;
    if line.len() <= LINE_CHARACTERS || line.chars().count() <= LINE_CHARACTERS {
        return Cow::Borrowed(snippet);
    }
    let start = underline.start.saturating_sub(BEFORE_UNDERLINE);
    let mut rest = line.chars().skip(start);
    let part: String = rest.by_ref().take(LINE_CHARACTERS).collect();
    let (before, after) = (if start > 0 { REST } else { "" }, if rest.next().is_some() { REST } else { "" });
    let moved = |character: usize| (character - start).min(LINE_CHARACTERS) + before.len();
    let underline = moved(underline.start)..moved(underline.end);
    Cow::Owned(Snippet { line: format!("{before}{part}{after}"), underline })
}

/// The underlined bytes of the line.
fn bytes(Snippet { line, underline }: &Snippet) -> Range<usize> {
    let byte = |character: usize| line.char_indices().nth(character).map_or(line.len(), |(byte, _)| byte);
    byte(underline.start)..byte(underline.end)
}

/// `; 1 ignored by comments; 2 known in the baseline`
fn suppressed(report: &Report) -> String {
    let mut text = String::new();
    for (by, words) in
        [(SuppressedBy::Comment, "ignored by comments"), (SuppressedBy::Baseline, "known in the baseline")]
    {
        let count = report.suppressed_by(by).count();
        if count > 0 {
            _ = write!(text, "; {count} {words}");
        }
    }
    if let Some(gone @ 1..) = report.gone_from_baseline {
        _ = write!(text, "; {} of the baseline no longer found", counted(gone, "finding"));
    }
    text
}

/// The last line of the report: `10 findings (6 errors, 4 fixable) in 3 of 75 objects, 30 gateways`
pub fn summary(report: &Report) -> String {
    let levels = [
        (report.count(Level::Error), "error"),
        (report.count(Level::Fixable), "fixable"),
        (report.count(Level::Warning), "warning"),
    ];
    let total: usize = levels.iter().map(|(count, _)| count).sum();
    let parts: Vec<String> =
        levels.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    let found = if check::is_nothing_checked(report) {
        "nothing was checked".to_owned()
    } else if total == 0 {
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
    if total > 0 && report.counted().all(|finding| finding.mode != Mode::Enforce) {
        summary += "; audit mode: nothing is set or denied";
    }
    if !check::is_nothing_checked(report) {
        summary += &check::summary(report);
    }
    summary += &suppressed(report);
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for skipped in &report.skipped {
        let noun = if skipped.location.file.is_some() { "document" } else { "namespace" };
        *reasons.entry((&skipped.reason, noun)).or_default() += 1;
    }
    for ((reason, noun), count) in reasons {
        _ = write!(summary, "; skipped {} {reason}", counted(count, noun));
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

    #[test]
    fn a_long_line_is_shortened_around_what_is_underlined() {
        let line = format!("{}é\"image\"{}", "a".repeat(5000), "b".repeat(5000));
        let long = Snippet { line, underline: 5001..5008 };
        let short = shortened(&long);
        let underlined: String = short.line.chars().skip(short.underline.start).take(short.underline.len()).collect();
        assert_eq!((underlined.as_str(), short.line.chars().count()), ("\"image\"", LINE_CHARACTERS + 2 * REST.len()));
        let whole = Snippet { line: "é".repeat(LINE_CHARACTERS), underline: 0..1 };
        assert_eq!(shortened(&whole).line, whole.line);
    }

    #[test]
    fn the_columns_of_a_table_are_aligned() {
        let rows = [["A", "é", ""], ["bb", "c", "d"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), "A   é\nbb  c  d\n");
    }
}
