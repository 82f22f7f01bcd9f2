//! A gateway's `ServiceAccount` with another client id than its namespace expects.

use crate::gateway::{IdentityKey, is_guid};
use crate::policy::{KeyLocation, Mode, Problem, Rule, RuleInput};

/// A client id that is not expected.
pub(super) static RULE: Rule = Rule {
    id: "unexpected-client-id",
    page: include_str!("../../../docs/rules/unexpected-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let expected = &input.expectations.client_ids;
    let is_expected = |text: &str| expected.iter().any(|id| id.eq_ignore_ascii_case(text));
    let client_id = input.identity_key(KeyLocation::ServiceAccountAnnotations, IdentityKey::ClientId);
    // what is no client id at all is said by another rule
    let foreign = client_id.filter(|key| is_guid(key.value) && !expected.is_empty() && !is_expected(key.value));
    let message = "the client id is none of those that this namespace expects; set one of them, or have the policy expect this one";
    foreign.map(|key| Problem::new(key.at, message)).into_iter().collect()
}
