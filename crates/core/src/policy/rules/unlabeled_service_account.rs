//! A gateway's `ServiceAccount` without the workload identity label.

use crate::gateway::{OddCharacter, well_known::USE};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// A gateway's `ServiceAccount` lacks the label `azure.workload.identity/use: "true"`.
pub(super) static RULE: Rule = Rule {
    id: "unlabeled-service-account",
    page: include_str!("../../../../../docs/rules/unlabeled-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(account) = input.service_account() else { return Vec::new() };
    let name = account.name();
    let at = || PointerBuf::from_tokens(["metadata", "labels", USE]);
    match account.metadata.labels.get(USE).map(String::as_str) {
        Some("true") => Vec::new(),
        Some(value) => vec![
            Problem::new(
                at(),
                format!(
                    "Set label {USE} to \"true\" on ServiceAccount \"{name}\", or remove it so that it is set: \
                 Microsoft's setup uses this value{}",
                    OddCharacter::reason(value)
                ),
            )
            .with_unsafe_fix([Edit::set(at(), "true")]),
        ],
        None => vec![
            Problem::new(
                at(),
                format!(
                    "Set label {USE}: \"true\" on ServiceAccount \"{name}\": \
                     Microsoft's setup of workload identity includes it"
                ),
            )
            .with_fix([Edit::set(at(), "true")]),
        ],
    }
}
