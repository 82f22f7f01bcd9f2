//! A label or annotation that is nearly one of workload identity.

use crate::gateway::ReadKey;
use crate::policy::{Case, Finding, Mode, PlacedKey, Rule};

/// A misspelt key of workload identity.
pub(super) static RULE: Rule = Rule {
    id: "misspelt-identity-key",
    page: include_str!("../../../docs/rules/misspelt-identity-key.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.identity_keys().into_iter().filter_map(finding).collect()
}

fn finding(placed: PlacedKey<'_>) -> Option<Finding> {
    let ReadKey::Misspelt(meant) = placed.read else { return None };
    let cure = meant.map_or_else(|| "remove it".to_owned(), |meant| format!("it must be {}", meant.key()));
    Some(Finding::new(placed.at, format!("{} is read by nobody; {cure}", placed.key)))
}
