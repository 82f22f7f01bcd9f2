//! `explain`: prints the documentation of a rule, a code of `doctor` or `verify`, or an error code of Entra, or the environment of gateways.

use super::ids::{self, Named};
use super::{environment, pager, print};
use crate::cli::ExplainArguments;
use crate::doctor::{CodeEntry, DoctorCode};
use crate::verify::VerifyCode;
use apim_keyless_core::azure::SignInError;
use apim_keyless_core::azure::sign_in_error::{self, CAUTION};
use apim_keyless_core::policy::{Rule, rules};
use apim_keyless_report::text::columns;
use std::process::ExitCode;

/// Suffix of a fence whose objects are all objects of their namespace.
const IN_KNOWN_NAMESPACE: &str = "-in-known-namespace";

/// The heading of the section that explains the rule. Its examples stay in it.
const WHY: &str = "## Why\n";

/// The line that ends an example.
const FENCE: &str = "```";

/// Prints the documentation of one rule or code, or a list of all with their modes or levels and summaries.
pub(super) fn run(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    if !arguments.objects.is_empty() {
        return environment::run(arguments);
    }
    match &arguments.id {
        Some(id) => pager::show(&match ids::find(id)? {
            Named::Rule(rule) => page(rule),
            Named::Code(code) => page_of_code(code.id(), code.entry(), "doctor"),
            Named::SignInError(error) => page_of_sign_in_error(error),
            Named::VerifyCode(code) => page_of_code(code.id(), code.entry(), "verify"),
            Named::Both(rule, code) => format!("{}\n{}", page(rule), page_of_code(code.id(), code.entry(), "doctor")),
        })?,
        None => print(&list())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// All rules and codes, one a line.
fn list() -> String {
    let rules = rules::RULES.iter().map(|rule| [rule.id, rule.mode.name(), ids::summary(rule)]);
    let codes = DoctorCode::all().iter().map(|code| [code.id(), code.entry().level.name(), code.entry().summary]);
    let rows: Vec<[String; 3]> = [["RULE", "MODE", "WHAT IT FINDS"]]
        .into_iter()
        .chain(rules)
        .chain([["CODE OF DOCTOR", "LEVEL", "WHAT IT FINDS"]])
        .chain(codes)
        .chain([["CODE OF VERIFY", "LEVEL", "WHAT IT FINDS"]])
        .chain(VerifyCode::all().iter().map(|code| [code.id(), code.entry().level.name(), code.entry().summary]))
        .chain([["ERROR OF ENTRA", "FROM", "WHAT IT MEANS"]])
        .chain(sign_in_error::ERRORS.iter().map(|error| [error.code, "Entra", error.summary]))
        .map(|row| row.map(str::to_owned))
        .collect();
    columns(&rows)
        .replacen("CODE OF DOCTOR", "\nCODE OF DOCTOR", 1)
        .replacen("CODE OF VERIFY", "\nCODE OF VERIFY", 1)
        .replacen("ERROR OF ENTRA", "\nERROR OF ENTRA", 1)
}

/// The page of a code of a command.
fn page_of_code(id: &str, entry: CodeEntry, command: &str) -> String {
    let mut fix = entry.fix.chars();
    let fix: String = fix.next().into_iter().flat_map(char::to_uppercase).chain(fix).collect();
    format!(
        "# {}\n\n{}.\n\n## What to do\n\n{}.\n\nApplies to: {command}. Level: {}.\n",
        id,
        entry.summary,
        fix,
        entry.level.name()
    )
}

/// The page of an error code of Entra.
fn page_of_sign_in_error(error: &SignInError) -> String {
    let SignInError { code, summary, fix } = error;
    format!("# {code}\n\n{summary}.\n\n## What to do\n\n{fix}\n\n{CAUTION}\n")
}

/// The page of a rule: what to do and why first, the examples after. The word of each fence, which tests read, becomes a
/// comment in the example.
fn page(rule: &Rule) -> String {
    let mut sections: Vec<Section> = vec![Section::default()];
    for line in rule.page.lines() {
        if line.starts_with("## ") {
            sections.push(Section::default());
        }
        if let Some(section) = sections.last_mut() {
            section.add(line);
        }
    }
    // the page begins with its title, and the section after it says what to do
    let (first, others) = sections.split_at_checked(2).unwrap_or((&sections, &[]));
    let mut page: String = first.iter().map(|section| section.text.as_str()).collect();
    page = format!("{}\n\nDefault mode: {}.\n\n", page.trim_end(), rule.mode);
    let (with_examples, without): (Vec<&Section>, Vec<&Section>) =
        others.iter().partition(|section| !section.examples.is_empty() && !section.whole.starts_with(WHY));
    page.extend(without.iter().map(|section| section.whole.as_str()));
    let example: String = first.iter().map(|section| section.examples.as_str()).collect();
    if !example.is_empty() {
        page += &format!("## A correct gateway\n\n{example}\n");
    }
    page.extend(with_examples.iter().map(|section| section.whole.as_str()));
    page.trim_end().to_owned() + "\n"
}

/// A part of a page.
#[derive(Default)]
struct Section {
    whole: String,
    /// The lines outside of examples.
    text: String,
    examples: String,
    is_in_example: bool,
}

impl Section {
    fn add(&mut self, line: &str) {
        let shown = match line.strip_prefix("```yaml ") {
            Some(word) => format!("```yaml\n# {}\n", decision(word)),
            None => format!("{line}\n"),
        };
        self.whole += &shown;
        let was_in_example = self.is_in_example;
        self.is_in_example = if was_in_example { line != FENCE } else { line.starts_with("```yaml") };
        if was_in_example || self.is_in_example {
            // the example does not follow its sentence
            if let Some(sentence) = self.text.trim_end().strip_suffix(':') {
                self.text = format!("{sentence}.\n\n");
            }
            self.examples += &shown;
        } else if !(line.is_empty() && self.text.ends_with("\n\n")) {
            self.text += &shown;
        }
    }
}

/// What the word of a fence says about its example.
fn decision(word: &str) -> String {
    let (word, suffix) = match word.strip_suffix(IN_KNOWN_NAMESPACE) {
        Some(word) => (word, ", if the namespace has no other objects"),
        None => (word, ""),
    };
    let decision = match word {
        "error" => "denied",
        "fixable" => "fixed by the webhook",
        "policy" => "policy document",
        other => other,
    };
    format!("{decision}{suffix}")
}
