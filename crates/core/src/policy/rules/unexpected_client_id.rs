//! A gateway's `ServiceAccount` with a client id that its namespace does not expect.

use super::{guids, listed};
use crate::gateway::well_known::CLIENT_ID;
use crate::gateway::{IdentityKey, Kind, Lookup, ServiceAccount, is_guid};
use crate::policy::expectations::only;
use crate::policy::{Edit, KeyLocation, Mode, Problem, Rule, RuleInput};

/// The client id is a GUID, but not an expected one.
pub(super) static RULE: Rule = Rule {
    id: "unexpected-client-id",
    page: include_str!("../../../../../docs/rules/unexpected-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    at_service_account(input).or_else(|| at_workload(input)).into_iter().collect()
}

/// A gateway whose `ServiceAccount`, known from a cluster, has such a client id: it may have been written before the
/// namespace was enforced.
fn at_workload(input: &RuleInput<'_>) -> Option<Problem> {
    let (workload, name) = input.own_service_account()?;
    let Lookup::Found(account) = input.related.service_account(name) else { return None };
    let expected = &input.expectations.client_ids;
    let id = account.metadata.annotations.get(CLIENT_ID).filter(|id| is_guid(id))?;
    let is_expected = expected.is_empty() || expected.iter().any(|expected| expected.eq_ignore_ascii_case(id));
    (!is_expected && !input.related.coverage.is_given()).then(|| {
        let message = format!(
            "Set annotation {CLIENT_ID} of ServiceAccount \"{name}\" to {} first: it has a client id that is not \
             configured for the namespace",
            listed(&guids(expected))
        );
        let at = workload.pointer_to(["spec", "serviceAccountName"]);
        Problem::new(at, message).found_in(Kind::ServiceAccount, name)
    })
}

fn at_service_account(input: &RuleInput<'_>) -> Option<Problem> {
    let expected = &input.expectations.client_ids;
    let is_expected = |text: &str| expected.iter().any(|id| id.eq_ignore_ascii_case(text));
    let client_id = input.identity_key(KeyLocation::ServiceAccountAnnotations, IdentityKey::ClientId);
    // malformed-client-id reports a value that is not a GUID
    let unexpected = client_id.filter(|key| is_guid(key.value) && !expected.is_empty() && !is_expected(key.value))?;
    let name = input.service_account().map_or("", ServiceAccount::name);
    let message = format!(
        "Set annotation {CLIENT_ID} of ServiceAccount \"{name}\" to {}, or add its own to the policy: it is not \
         configured for the namespace",
        listed(&guids(expected))
    );
    let fix = only(expected).map(|id| Edit::set(unexpected.at.clone(), id));
    Some(Problem::new(unexpected.at, message).with_unsafe_fix(fix))
}
