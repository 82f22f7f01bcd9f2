//! `explain`: the page of a rule.

use super::print;
use crate::cli::Explain;
use crate::policy::rules;
use std::process::ExitCode;

/// Prints the page of a rule, or the list of all rules.
pub(super) fn run(arguments: &Explain) -> anyhow::Result<ExitCode> {
    match &arguments.rule {
        Some(id) => print(rules::find(id)?.page)?,
        None => print(&rules::RULES.iter().map(|rule| format!("{:<32}{}\n", rule.id, rule.mode)).collect::<String>())?,
    }
    Ok(ExitCode::SUCCESS)
}
