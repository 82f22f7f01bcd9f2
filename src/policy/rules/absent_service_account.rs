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
    match case.surroundings.service_account(name) {
        Sight::Absent => vec![Finding::new(
            workload.place(["spec", "serviceAccountName"]),
            format!(
                "ServiceAccount \"{name}\" is not there, so no Pod can be made; create it, with label and client id"
            ),
        )],
        Sight::Seen(_) | Sight::Unseen => Vec::new(),
    }
}
