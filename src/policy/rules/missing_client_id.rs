//! A gateway's `ServiceAccount` that doesn't say which identity it is.

use crate::gateway::well_known::{CLIENT_ID, TENANT_ID};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// A gateway's `ServiceAccount` without a client id.
pub(super) static RULE: Rule = Rule {
    id: "missing-client-id",
    page: include_str!("../../../docs/rules/missing-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(account) = input.service_account() else { return Vec::new() };
    let annotation = |key: &str| account.metadata.annotations.get(key).filter(|text| !text.is_empty());
    if annotation(CLIENT_ID).is_some() {
        return Vec::new();
    }
    let place = |key| PointerBuf::from_tokens(["metadata", "annotations", key]);
    let problem = |cure: &str| {
        Problem::new(
            place(CLIENT_ID),
            format!("annotation {CLIENT_ID} is not set, so Entra is never told who signs in; {cure}"),
        )
    };
    let Some(client_id) = input.expectations.client_id_to_set() else {
        let cure = match input.expectations.client_ids.len() {
            0 => {
                "set it to the client id of the Entra app or managed identity, or have the policy or the Namespace expect one"
            }
            _ => "set it to one of the client ids that this namespace expects",
        };
        return vec![problem(cure)];
    };
    let tenant_id = input.expectations.tenant_id_to_set().filter(|_| annotation(TENANT_ID).is_none());
    let fix = [(CLIENT_ID, Some(client_id)), (TENANT_ID, tenant_id)];
    let edits = fix.into_iter().filter_map(|(key, id)| id.map(|id| Edit::set(place(key), id)));
    vec![problem("set it to the client id that this namespace expects").with_fix(edits)]
}
