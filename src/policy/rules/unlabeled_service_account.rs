//! A gateway's `ServiceAccount` that isn't labelled for workload identity.

use crate::gateway::well_known::USE;
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// A gateway's `ServiceAccount` without the label of workload identity.
pub(super) static RULE: Rule = Rule {
    id: "unlabeled-service-account",
    page: include_str!("../../../docs/rules/unlabeled-service-account.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(account) = input.service_account() else { return Vec::new() };
    let at = || PointerBuf::from_tokens(["metadata", "labels", USE]);
    match account.metadata.labels.get(USE).map(String::as_str) {
        Some("true") => Vec::new(),
        Some(_) => vec![Problem::new(
            at(),
            format!("label {USE} is not \"true\"; set it to \"true\", or remove it to have it set"),
        )],
        None => vec![
            Problem::new(at(), format!("label {USE}: \"true\" is not set; add it")).with_fix([Edit::set(at(), "true")]),
        ],
    }
}
