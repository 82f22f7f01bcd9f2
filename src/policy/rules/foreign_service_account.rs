//! A gateway under another `ServiceAccount` than its namespace expects.

use crate::policy::{Case, Finding, Mode, Rule};

/// A `ServiceAccount` that is not expected.
pub(super) static RULE: Rule = Rule {
    id: "foreign-service-account",
    page: include_str!("../../../docs/rules/foreign-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    // none, or default, is missing, which another rule says
    let Some((workload, name)) = case.own_service_account() else { return Vec::new() };
    let expected = &case.expectations.service_accounts;
    if expected.is_empty() || expected.iter().any(|one| one == name) {
        return Vec::new();
    }
    let problem = format!(
        "ServiceAccount \"{name}\" is none of those that this namespace expects; name one of them: {}",
        expected.join(", ")
    );
    vec![Finding::new(workload.place(["spec", "serviceAccountName"]), problem)]
}
