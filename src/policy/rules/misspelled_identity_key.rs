//! A label or annotation that is nearly one of workload identity.

use crate::gateway::ReadKey;
use crate::policy::{IdentityKeyAt, Mode, Problem, Rule, RuleInput};

/// A misspelt key of workload identity.
pub(super) static RULE: Rule = Rule {
    id: "misspelled-identity-key",
    page: include_str!("../../../docs/rules/misspelled-identity-key.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    input.identity_keys().into_iter().filter_map(problem).collect()
}

fn problem(identity_key: IdentityKeyAt<'_>) -> Option<Problem> {
    let ReadKey::Misspelt(meant) = identity_key.read else { return None };
    let cure = meant.map_or_else(|| "remove it".to_owned(), |meant| format!("it must be {}", meant.key()));
    Some(Problem::new(identity_key.at, format!("{} is read by nobody; {cure}", identity_key.key)))
}
