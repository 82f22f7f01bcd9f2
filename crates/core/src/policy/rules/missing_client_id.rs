//! Sets the client id annotation on a gateway's `ServiceAccount` that has none.

use super::{guids, listed};
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
    let at = format!("annotation {CLIENT_ID} of ServiceAccount \"{}\"", account.name());
    let problem = |set: String| Problem::new(pointer(CLIENT_ID), format!("{set}: Entra needs it"));
    let Some(client_id) = input.expectations.client_id_to_set() else {
        return vec![problem(if input.expectations.client_ids.is_empty() {
            format!(
                "Annotate ServiceAccount \"{}\" with {CLIENT_ID}, or set spec.namespaces.{}.clientId in the policy{}",
                account.name(),
                input.namespace,
                input.expectations.or_annotation("apim-keyless.dev/client-id")
            )
        } else {
            format!("Set {at} to one configured for the namespace ({})", listed(&guids(&input.expectations.client_ids)))
        })];
    };
    let tenant_id = input.expectations.tenant_id_to_set().filter(|_| annotation(TENANT_ID).is_none());
    let fix = [(CLIENT_ID, Some(client_id)), (TENANT_ID, tenant_id)];
    let edits = fix.into_iter().filter_map(|(key, id)| id.map(|id| Edit::set(pointer(key), id)));
    vec![problem(format!("Set {at} to the client id that is configured for the namespace")).with_fix(edits)]
}
