//! A gateway whose `ServiceAccount` is not set up for workload identity.

use crate::gateway::well_known::CLIENT_ID;
use crate::gateway::{Coverage, Lookup, is_guid};
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// A `ServiceAccount` that is not set up.
pub(super) static RULE: Rule = Rule {
    id: "unready-service-account",
    page: include_str!("../../../docs/rules/unready-service-account.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some((workload, name)) = input.own_service_account() else { return Vec::new() };
    // over files the account is judged itself, and what it lacks is said there
    let Lookup::Found(account) = input.related.service_account(name) else { return Vec::new() };
    if input.related.coverage == Coverage::Given
        || account.metadata.annotations.get(CLIENT_ID).is_some_and(|id| is_guid(id))
    {
        return Vec::new();
    }
    let message =
        format!("ServiceAccount \"{name}\" has no client id in {CLIENT_ID}, so its Pods can't sign in; set it there");
    vec![Problem::new(workload.place(["spec", "serviceAccountName"]), message)]
}
