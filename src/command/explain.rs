//! `explain`: prints the documentation of a rule.

use super::print;
use crate::cli::Explain;
use apim_keyless_core::policy::rules;
use std::process::ExitCode;

/// Prints the documentation of one rule, or a list of all rules with their default modes.
pub(super) fn run(arguments: &Explain) -> anyhow::Result<ExitCode> {
    match &arguments.rule {
        Some(id) => print(rules::find(id)?.page)?,
        None => rules::RULES.iter().try_for_each(|rule| print(&format!("{:<32}{}\n", rule.id, rule.mode)))?,
    }
    Ok(ExitCode::SUCCESS)
}
