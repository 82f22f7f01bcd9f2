//! A gateway whose `ServiceAccount` is not there.

use crate::gateway::Sight;
use crate::policy::{Case, Finding, Mode, Rule};

/// A `ServiceAccount` that is not there.
pub(super) static RULE: Rule = Rule {
    id: "absent-service-account",
    page: include_str!("../../../docs/rules/absent-service-account.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some((workload, name)) = case.own_service_account() else { return Vec::new() };
    if case.surroundings.service_account(name) != Sight::Absent {
        return Vec::new();
    }
    let problem =
        format!("ServiceAccount \"{name}\" is not there, so no Pod can be made; create it, with label and client id");
    // a watch is always a moment behind, so nothing is refused for what it doesn't show yet
    vec![Finding { only_remarked: true, ..Finding::new(workload.place(["spec", "serviceAccountName"]), problem) }]
}
