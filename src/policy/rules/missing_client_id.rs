//! A gateway's `ServiceAccount` that doesn't say which identity it is.

use crate::gateway::well_known::{CLIENT_ID, TENANT_ID};
use crate::policy::{Case, Edit, Finding, Mode, Rule};
use jsonptr::PointerBuf;

/// A gateway's `ServiceAccount` without a client id.
pub(super) static RULE: Rule = Rule {
    id: "missing-client-id",
    page: include_str!("../../../docs/rules/missing-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(account) = case.service_account() else { return Vec::new() };
    let annotation = |key: &str| account.metadata.annotations.get(key).filter(|text| !text.is_empty());
    if annotation(CLIENT_ID).is_some() {
        return Vec::new();
    }
    let place = |key| PointerBuf::from_tokens(["metadata", "annotations", key]);
    let finding = |cure: &str| {
        Finding::new(
            place(CLIENT_ID),
            format!("annotation {CLIENT_ID} is not set, so Entra is never told who signs in; {cure}"),
        )
    };
    let Some(client_id) = case.expectations.client_id_to_set() else {
        let cure = match case.expectations.client_ids.len() {
            0 => {
                "set it to the client id of the Entra app or managed identity, or have the policy or the Namespace expect one"
            }
            _ => "set it to one of the client ids that this namespace expects",
        };
        return vec![finding(cure)];
    };
    let tenant_id = case.expectations.tenant_id_to_set().filter(|_| annotation(TENANT_ID).is_none());
    let remedy = [(CLIENT_ID, Some(client_id)), (TENANT_ID, tenant_id)];
    let edits = remedy.into_iter().filter_map(|(key, id)| id.map(|id| Edit::set(place(key), id)));
    vec![finding("set it to the client id that this namespace expects").remedied_by(edits)]
}
