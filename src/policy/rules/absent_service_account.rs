//! A gateway whose `ServiceAccount` is not there.

use crate::gateway::Lookup;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// A `ServiceAccount` that is not there.
pub(super) static RULE: Rule = Rule {
    id: "absent-service-account",
    page: include_str!("../../../docs/rules/absent-service-account.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some((workload, name)) = input.own_service_account() else { return Vec::new() };
    if input.related.service_account(name) != Lookup::Absent {
        return Vec::new();
    }
    let message =
        format!("ServiceAccount \"{name}\" is not there, so no Pod can be made; create it, with label and client id");
    // a watch is always a moment behind, so nothing is refused for what it doesn't show yet
    vec![Problem { only_warned: true, ..Problem::new(workload.place(["spec", "serviceAccountName"]), message) }]
}
