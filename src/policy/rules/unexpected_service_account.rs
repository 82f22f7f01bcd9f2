//! A gateway under another `ServiceAccount` than its namespace expects.

use crate::policy::{Mode, Problem, Rule, RuleInput};

/// A `ServiceAccount` that is not expected.
pub(super) static RULE: Rule = Rule {
    id: "unexpected-service-account",
    page: include_str!("../../../docs/rules/unexpected-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    // none, or default, is missing, which another rule says
    let Some((workload, name)) = input.own_service_account() else { return Vec::new() };
    let expected = &input.expectations.service_accounts;
    if expected.is_empty() || expected.iter().any(|one| one == name) {
        return Vec::new();
    }
    let message = format!(
        "ServiceAccount \"{name}\" is none of those that this namespace expects; name one of them: {}",
        expected.join(", ")
    );
    vec![Problem::new(workload.place(["spec", "serviceAccountName"]), message)]
}
