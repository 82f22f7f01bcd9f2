//! A gateway whose Pods don't ask for workload identity.

use crate::gateway::well_known::USE;
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};

/// A gateway whose pod template lacks the label of workload identity.
pub(super) static RULE: Rule = Rule {
    id: "missing-identity-label",
    page: include_str!("../../../docs/rules/missing-identity-label.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(gateway) = input.authenticating_gateway() else { return Vec::new() };
    let at = || gateway.workload.place(["metadata", "labels", USE]);
    match gateway.workload.template_labels().get(USE).map(String::as_str) {
        Some("true") => Vec::new(),
        Some(_) => vec![Problem::new(
            at(),
            format!(
                "label {USE} is not \"true\", and only \"true\" injects the identity; set it to \"true\", or remove it to have it set"
            ),
        )],
        None => vec![
            Problem::new(
                at(),
                format!("label {USE}: \"true\" is not on the pod template, so no identity is injected; add it"),
            )
            .with_fix([Edit::set(at(), "true")]),
        ],
    }
}
