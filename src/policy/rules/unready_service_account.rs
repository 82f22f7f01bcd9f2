//! A gateway whose `ServiceAccount` is not set up for workload identity.

use crate::gateway::well_known::CLIENT_ID;
use crate::gateway::{Extent, Sight, is_guid};
use crate::policy::{Case, Finding, Mode, Rule};

/// A `ServiceAccount` that is not set up.
pub(super) static RULE: Rule = Rule {
    id: "unready-service-account",
    page: include_str!("../../../docs/rules/unready-service-account.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some((workload, name)) = case.own_service_account() else { return Vec::new() };
    // over files the account is judged itself, and what it lacks is said there
    let Sight::Seen(account) = case.surroundings.service_account(name) else { return Vec::new() };
    if case.surroundings.extent == Extent::Given
        || account.metadata.annotations.get(CLIENT_ID).is_some_and(|id| is_guid(id))
    {
        return Vec::new();
    }
    let problem =
        format!("ServiceAccount \"{name}\" has no client id in {CLIENT_ID}, so its Pods can't sign in; set it there");
    vec![Finding::new(workload.place(["spec", "serviceAccountName"]), problem)]
}
