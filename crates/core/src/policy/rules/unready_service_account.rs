//! A gateway whose `ServiceAccount` has no usable client id yet.

use crate::gateway::well_known::CLIENT_ID;
use crate::gateway::{Lookup, is_guid};
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The gateway's `ServiceAccount` exists, but its client id is missing or not a GUID.
pub(super) static RULE: Rule = Rule {
    id: "unready-service-account",
    page: include_str!("../../../../../docs/rules/unready-service-account.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some((workload, name)) = input.own_service_account() else { return Vec::new() };
    // among files, the ServiceAccount is evaluated too, and the finding is reported there
    let Lookup::Found(account) = input.related.service_account(name) else { return Vec::new() };
    if input.related.coverage.is_given() || account.metadata.annotations.get(CLIENT_ID).is_some_and(|id| is_guid(id)) {
        return Vec::new();
    }
    let message = format!(
        "Set annotation {CLIENT_ID} of ServiceAccount \"{name}\" to the client id, a GUID: \
         without it the Pods cannot authenticate"
    );
    vec![Problem::new(workload.pointer_to(["spec", "serviceAccountName"]), message)]
}
