//! The report as `JUnit` XML, which Jenkins, GitLab and Azure Pipelines show as test results.
//!
//! One suite a file, one test case a finding. What makes the exit code 1 is a failure; other findings pass and have
//! their text in `system-out`; suppressed findings are skipped. What could not be read is an error. A gateway without
//! findings is a test case that passes, and so is an input without findings: a CI system rejects a report without test
//! cases.

use super::location_text::{describe, field, file_name, name, place};
use super::{Diagnostic, Failure, Level, Location, Report, text};
use std::collections::HashMap;
use std::fmt::Write;

/// Renders a report; findings of level `fail_on` and worse are failures.
pub fn render(report: &Report, fail_on: Level) -> String {
    let suites = suites(report, fail_on);
    let total = |state: State| suites.iter().map(|suite| suite.count(state)).sum::<usize>();
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"apim-keyless\" tests=\"{tests}\" failures=\"{}\" \
         errors=\"{}\">\n",
        total(State::Failed),
        total(State::Error),
    );
    for suite in &suites {
        suite.write(&mut xml);
    }
    xml + "</testsuites>\n"
}

/// The result of a test case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Passed,
    Skipped,
    Failed,
    Error,
}

struct Case {
    class: String,
    name: String,
    state: State,
    /// The id of the rule, or what kind of error it is.
    kind: &'static str,
    message: String,
    text: String,
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

/// The suites in the order of the report.
fn suites(report: &Report, fail_on: Level) -> Vec<Suite> {
    let mut suites = Suites::default();
    for failure in &report.failures {
        suites.add(&failure.location, failed_to_read(failure));
    }
    for finding in &report.findings {
        suites.add(&finding.location, case(finding, fail_on));
    }
    let passed = |class: String, name: String| Case {
        class,
        name,
        state: State::Passed,
        kind: "",
        message: String::new(),
        text: String::new(),
    };
    let clean = report.gateways.iter().flatten().filter(|gateway| gateway.level.is_none());
    let mut gateways: Vec<Case> =
        clean.map(|gateway| passed(name(&gateway.object), "no findings".to_owned())).collect();
    if suites.all.is_empty() && gateways.is_empty() {
        gateways.push(passed("apim-keyless".to_owned(), text::summary(report).trim_end().to_owned()));
    }
    if !gateways.is_empty() {
        suites.all.push(Suite { name: "without findings".to_owned(), cases: gateways });
    }
    suites.all
}

/// Suites by file, in the order in which they are first named.
#[derive(Default)]
struct Suites {
    all: Vec<Suite>,
    by_name: HashMap<String, usize>,
}

impl Suites {
    fn add(&mut self, location: &Location, case: Case) {
        let name = location.file.as_deref().map_or("cluster", file_name);
        let index = *self.by_name.entry(name.to_owned()).or_insert(self.all.len());
        if index == self.all.len() {
            self.all.push(Suite { name: name.to_owned(), cases: Vec::new() });
        }
        if let Some(suite) = self.all.get_mut(index) {
            suite.cases.push(case);
        }
    }
}

fn case(finding: &Diagnostic, fail_on: Level) -> Case {
    let state = match &finding.suppressed {
        Some(_) => State::Skipped,
        None if finding.fails(fail_on) => State::Failed,
        None => State::Passed,
    };
    let text = match &finding.suppressed {
        Some(suppression) => format!("suppressed by {}: {}", suppression.by.name(), suppression.reason),
        None => text_of(finding),
    };
    Case {
        class: finding.object.as_ref().map_or_else(|| describe(finding), name),
        name: format!("{} at {}", finding.rule, field(&finding.location)),
        state,
        kind: finding.rule,
        message: finding.message.clone(),
        text,
    }
}

/// Level, message, place and fixes.
fn text_of(finding: &Diagnostic) -> String {
    let place = match place(&finding.location) {
        place if place.is_empty() => describe(finding),
        place => place,
    };
    let mut text = format!("{}: {}\n{place}", finding.level.name(), finding.message);
    for fix in &finding.fixes {
        _ = write!(text, "\n{}: {}", fix.noun(), fix.title);
    }
    text
}

fn failed_to_read(failure: &Failure) -> Case {
    let place = place(&failure.location);
    Case {
        class: "input".to_owned(),
        name: format!("{place} can be evaluated"),
        state: State::Error,
        kind: "not-evaluated",
        message: failure.message.clone(),
        text: format!("{place}: {}", failure.message),
    }
}

impl Suite {
    fn count(&self, state: State) -> usize {
        self.cases.iter().filter(|case| case.state == state).count()
    }

    fn write(&self, xml: &mut String) {
        // Writing to a String cannot fail.
        _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
            escaped(&self.name),
            self.cases.len(),
            self.count(State::Failed),
            self.count(State::Error),
            self.count(State::Skipped),
        );
        for case in &self.cases {
            case.write(xml);
        }
        *xml += "  </testsuite>\n";
    }
}

impl Case {
    fn write(&self, xml: &mut String) {
        _ = write!(xml, "    <testcase classname=\"{}\" name=\"{}\"", escaped(&self.class), escaped(&self.name));
        let (message, text) = (escaped(&self.message), escaped(&self.text));
        let of_kind = |element: &str| {
            format!(">\n      <{element} type=\"{}\" message=\"{message}\">{text}</{element}>\n", self.kind)
        };
        let content = match self.state {
            State::Passed if text.is_empty() => {
                *xml += "/>\n";
                return;
            }
            State::Passed => format!(">\n      <system-out>{text}</system-out>\n"),
            State::Skipped => format!(">\n      <skipped>{text}</skipped>\n"),
            State::Failed => of_kind("failure"),
            State::Error => of_kind("error"),
        };
        *xml += &content;
        *xml += "    </testcase>\n";
    }
}

/// Escapes a text for an element or an attribute. XML has no form for most control characters, so they are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' => escaped += "&#10;",
            '\r' => escaped += "&#13;",
            '\t' => escaped += "&#9;",
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_escaped_for_elements_and_attributes() {
        assert_eq!(escaped("a<b>&\"c\"\n\u{0}\u{1b}é"), "a&lt;b&gt;&amp;&quot;c&quot;&#10;\u{fffd}\u{fffd}é");
    }

    #[test]
    fn a_report_without_findings_has_a_test_case() {
        let xml = render(&Report { objects: 1, gateways: Some(Vec::new()), ..Report::default() }, Level::Error);
        assert!(xml.contains("name=\"no findings in 1 object, 0 gateways\"/>"), "{xml}");
        assert!(xml.contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{xml}");
    }
}
