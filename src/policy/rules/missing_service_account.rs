//! A gateway whose Pods run under no `ServiceAccount` of their own.

use crate::policy::{Case, Edit, Finding, Mode, Rule};

/// A gateway without a `ServiceAccount`, or under `default`.
pub(super) static RULE: Rule = Rule {
    id: "missing-service-account",
    page: include_str!("../../../docs/rules/missing-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(gateway) = case.gateway_that_signs_in().filter(|_| case.own_service_account().is_none()) else {
        return Vec::new();
    };
    let expected = &case.expectations.service_accounts;
    let at = gateway.workload.place(["spec", "serviceAccountName"]);
    let problem = "it runs under ServiceAccount default, which is no gateway's";
    vec![match case.expectations.service_account_to_set(case.surroundings) {
        Some(name) => Finding::new(at.clone(), format!("{problem}; name ServiceAccount \"{name}\""))
            .remedied_by([Edit::set(at, name)]),
        None if expected.is_empty() => Finding::new(
            at,
            format!(
                "{problem}; name the one that carries the client id, or have the policy or the Namespace expect one"
            ),
        ),
        None => Finding::new(at, format!("{problem}; name one of those that this namespace expects")),
    }]
}
