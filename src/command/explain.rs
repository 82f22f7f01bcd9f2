//! `explain`: prints the documentation of a rule.

use super::print;
use crate::cli::ExplainArguments;
use apim_keyless_core::policy::{Rule, rules};
use std::process::ExitCode;

/// Suffix of a fence whose objects are all objects of their namespace.
const IN_KNOWN_NAMESPACE: &str = "-in-known-namespace";

/// Prints the documentation of one rule, or a list of all rules with their default modes and summaries.
pub(super) fn run(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    match &arguments.rule {
        Some(id) => print(&page(rules::find(id)?))?,
        None => rules::RULES.iter().try_for_each(|rule| print(&summary(rule)))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Id, default mode and the summary, which is the third line of the rule's page.
fn summary(rule: &Rule) -> String {
    let summary = rule.page.lines().nth(2).unwrap_or_default();
    format!("{:<32}{:<9}{summary}\n", rule.id, rule.mode.to_string())
}

/// The page of a rule. The word of each fence, which tests read, becomes a comment in the example.
fn page(rule: &Rule) -> String {
    let mut page = String::new();
    for line in rule.page.lines() {
        match line.strip_prefix("```yaml ") {
            Some(word) => page += &format!("```yaml\n# {}\n", decision(word)),
            None => page += &format!("{line}\n"),
        }
    }
    page
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
