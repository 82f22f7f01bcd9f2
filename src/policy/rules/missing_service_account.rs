//! A gateway whose Pods run under no `ServiceAccount` of their own.

use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};

/// A gateway without a `ServiceAccount`, or under `default`.
pub(super) static RULE: Rule = Rule {
    id: "missing-service-account",
    page: include_str!("../../../docs/rules/missing-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(gateway) = input.authenticating_gateway().filter(|_| input.own_service_account().is_none()) else {
        return Vec::new();
    };
    let expected = &input.expectations.service_accounts;
    let at = gateway.workload.place(["spec", "serviceAccountName"]);
    let message = "it runs under ServiceAccount default, which is no gateway's";
    vec![match input.expectations.service_account_to_set(input.related) {
        Some(name) => Problem::new(at.clone(), format!("{message}; name ServiceAccount \"{name}\""))
            .with_fix([Edit::set(at, name)]),
        None if expected.is_empty() => Problem::new(
            at,
            format!(
                "{message}; name the one that carries the client id, or have the policy or the Namespace expect one"
            ),
        ),
        None => Problem::new(at, format!("{message}; name one of those that this namespace expects")),
    }]
}
