//! A label or annotation whose key is a misspelled key of azure-workload-identity.

use crate::gateway::KeyMatch;
use crate::policy::{IdentityKeyAt, Mode, Problem, Rule, RuleInput};

/// A key is similar to one of azure-workload-identity, or has its prefix and is unknown.
pub(super) static RULE: Rule = Rule {
    id: "misspelled-identity-key",
    page: include_str!("../../../../../docs/rules/misspelled-identity-key.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    input.identity_keys().into_iter().filter_map(problem).collect()
}

fn problem(identity_key: IdentityKeyAt<'_>) -> Option<Problem> {
    let KeyMatch::Misspelled(meant) = identity_key.key_match else { return None };
    let (key, location) = (identity_key.key, identity_key.location.described());
    let message = meant.map_or_else(
        || format!("Remove {key} from {location}: azure-workload-identity does not know this key and ignores it"),
        |meant| {
            format!("Rename {key} in {location} to {}: azure-workload-identity ignores a misspelled key", meant.key())
        },
    );
    Some(Problem::new(identity_key.at, message))
}
