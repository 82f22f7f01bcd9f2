//! A gateway's `ServiceAccount` with another client id than its namespace expects.

use crate::gateway::{IdentityKey, is_guid};
use crate::policy::{Case, Finding, Holder, Mode, Rule};

/// A client id that is not expected.
pub(super) static RULE: Rule = Rule {
    id: "foreign-client-id",
    page: include_str!("../../../docs/rules/foreign-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let expected = &case.expectations.client_ids;
    let is_expected = |text: &str| expected.iter().any(|id| id.eq_ignore_ascii_case(text));
    let client_id = case.identity_key(Holder::ServiceAccountAnnotations, IdentityKey::ClientId);
    // what is no client id at all is said by another rule
    let foreign = client_id.filter(|key| is_guid(key.value) && !expected.is_empty() && !is_expected(key.value));
    let problem = "the client id is none of those that this namespace expects; set one of them, or have the policy expect this one";
    foreign.map(|key| Finding::new(key.at, problem)).into_iter().collect()
}
