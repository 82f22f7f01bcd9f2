//! A gateway whose pod template lacks the workload identity label.

use crate::gateway::{OddCharacter, well_known::USE};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};

/// The pod template of a gateway lacks the label `azure.workload.identity/use: "true"`.
pub(super) static RULE: Rule = Rule {
    id: "missing-identity-label",
    page: include_str!("../../../../../docs/rules/missing-identity-label.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(gateway) = input.authenticating_gateway() else { return Vec::new() };
    let at = || gateway.workload.pointer_to(["metadata", "labels", USE]);
    match gateway.workload.template_labels().get(USE).map(String::as_str) {
        Some("true") => Vec::new(),
        Some(value) => vec![
            Problem::new(
                at(),
                format!(
                    "Set label {USE} to \"true\" on the pod template, or remove it so that it is set: \
                 only \"true\" injects an identity{}",
                    OddCharacter::reason(value)
                ),
            )
            .with_unsafe_fix([Edit::set(at(), "true")]),
        ],
        None => vec![
            Problem::new(
                at(),
                format!("Set label {USE}: \"true\" on the pod template: without it no identity is injected"),
            )
            .with_fix([Edit::set(at(), "true")]),
        ],
    }
}
