//! A gateway that runs under a `ServiceAccount` that its namespace does not expect.

use super::listed;
use crate::policy::expectations::only;
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};

/// The gateway's `ServiceAccount` is not an expected one.
pub(super) static RULE: Rule = Rule {
    id: "unexpected-service-account",
    page: include_str!("../../../../../docs/rules/unexpected-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    // missing-service-account reports none and `default`
    let Some((workload, name)) = input.own_service_account() else { return Vec::new() };
    let expected = &input.expectations.service_accounts;
    if expected.is_empty() || expected.iter().any(|one| one == name) {
        return Vec::new();
    }
    let message = format!(
        "Set serviceAccountName to a ServiceAccount that is configured for the namespace ({}): \"{name}\" is not one",
        listed(expected)
    );
    let at = workload.pointer_to(["spec", "serviceAccountName"]);
    vec![Problem::new(at.clone(), message).with_unsafe_fix(only(expected).map(|name| Edit::set(at, name)))]
}
