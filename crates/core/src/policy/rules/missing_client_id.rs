//! Sets the client id annotation on a gateway's `ServiceAccount` that has none.

use crate::gateway::well_known::{CLIENT_ID, TENANT_ID};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// The rule `missing-client-id`.
pub(super) static RULE: Rule = Rule {
    id: "missing-client-id",
    page: include_str!("../../../../../docs/rules/missing-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(account) = input.service_account() else { return Vec::new() };
    let annotation = |key: &str| account.metadata.annotations.get(key).filter(|text| !text.is_empty());
    if annotation(CLIENT_ID).is_some() {
        return Vec::new();
    }
    let pointer = |key| PointerBuf::from_tokens(["metadata", "annotations", key]);
    let problem = |target: &str| {
        let message = format!("Set annotation {CLIENT_ID} to {target}: Entra needs it to identify the gateway");
        Problem::new(pointer(CLIENT_ID), message)
    };
    let Some(client_id) = input.expectations.client_id_to_set() else {
        let target = if input.expectations.client_ids.is_empty() {
            "the client id (a GUID) of the Entra app or managed identity, or set clientId for this namespace"
        } else {
            "one of the client ids that this namespace expects"
        };
        return vec![problem(target)];
    };
    let tenant_id = input.expectations.tenant_id_to_set().filter(|_| annotation(TENANT_ID).is_none());
    let fix = [(CLIENT_ID, Some(client_id)), (TENANT_ID, tenant_id)];
    let edits = fix.into_iter().filter_map(|(key, id)| id.map(|id| Edit::set(pointer(key), id)));
    vec![problem("the client id that this namespace expects").with_fix(edits)]
}
