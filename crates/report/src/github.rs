//! The report as workflow commands of GitHub Actions, which become annotations of the changed lines.
//!
//! The form: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>.

use super::location_text::{describe, ignored};
use super::{Diagnostic, Failure, Location, Report, Severity, SuppressedBy, text};

/// The file name of standard input, which is not a file of the repository.
const STDIN: &str = "-";

/// Renders one command for each finding and failure, then what comments ignore, then the summary.
pub fn render(report: &Report) -> String {
    let findings = report.findings.iter().filter(|finding| finding.suppressed.is_none()).map(finding);
    let commands = findings.chain(report.failures.iter().map(failure));
    let ignored = report
        .suppressed_by(SuppressedBy::Comment)
        // `##[` begins a command of the older form, anywhere in a line
        .map(|(finding, suppression)| ignored(finding, &suppression.reason).replace("##[", "## ["));
    commands.chain(ignored).map(|line| line + "\n").collect::<String>() + &text::summary(report)
}

fn finding(finding: &Diagnostic) -> String {
    let command = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut message = finding.message.clone();
    if finding.object.is_some() || finding.location.file.is_none() {
        message += &format!("\nin {}", describe(finding));
    }
    for fix in &finding.fixes {
        message += &format!("\n{}: {}", fix.noun(), fix.title);
    }
    line(command, &finding.location, Some(finding.rule), &message)
}

fn failure(failure: &Failure) -> String {
    line("error", &failure.location, None, &failure.message)
}

fn line(command: &str, location: &Location, title: Option<&str>, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(file) = location.file.as_deref().filter(|file| *file != STDIN) {
        properties.push(format!("file={}", property(file)));
    }
    if let Some(span) = location.span {
        properties.push(format!("line={}", span.line));
        properties.push(format!("endLine={}", span.end_line));
        properties.push(format!("col={}", span.column));
        // GitHub's end column is inclusive
        properties.push(format!("endColumn={}", span.end_column.saturating_sub(1).max(span.column)));
    }
    properties.extend(title.map(|title| format!("title={}", property(title))));
    let separator = if properties.is_empty() { "" } else { " " };
    format!("::{command}{separator}{}::{}", properties.join(","), data(message))
}

/// Escapes a message, as the toolkit of GitHub Actions does.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, Span};

    #[test]
    fn properties_and_messages_are_escaped() {
        let span = Some(Span { line: 3, column: 5, end_line: 3, end_column: 9 });
        let location = Location { file: Some("a,b:c%.yaml".to_owned()), span, ..Location::default() };
        let diagnostic = Diagnostic { location, ..Diagnostic::new("a-rule", Level::Error, "100%\r\n::error::b") };
        assert_eq!(
            finding(&diagnostic),
            "::error file=a%2Cb%3Ac%25.yaml,line=3,endLine=3,col=5,endColumn=8,title=a-rule::100%25%0D%0A::error::b"
        );
    }

    #[test]
    fn standard_input_is_not_a_file_of_the_repository() {
        let location = Location { file: Some("-".to_owned()), ..Location::default() };
        assert_eq!(failure(&Failure { location, message: "a".to_owned() }), "::error::a");
    }
}
