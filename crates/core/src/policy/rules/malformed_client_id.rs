//! Denies a client id that is not a GUID: a placeholder, whitespace, a name.

use super::not_an_id;
use crate::gateway::{IdentityKey, OddCharacter, ServiceAccount, is_guid, well_known::CLIENT_ID};
use crate::policy::{IdentityKeyAt, KeyLocation, Mode, Problem, Rule, RuleInput};

/// The rule `malformed-client-id`.
pub(super) static RULE: Rule = Rule {
    id: "malformed-client-id",
    page: include_str!("../../../../../docs/rules/malformed-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let client_id = input.identity_key(KeyLocation::ServiceAccountAnnotations, IdentityKey::ClientId);
    // `missing-client-id` reports an empty client id.
    let malformed = client_id.filter(|key| !key.value.is_empty() && !is_guid(key.value));
    malformed.map(|key| problem(input, key)).into_iter().collect()
}

fn problem(input: &RuleInput<'_>, client_id: IdentityKeyAt<'_>) -> Problem {
    let message = format!(
        "Set annotation {CLIENT_ID} of ServiceAccount \"{}\" to the client id of the Entra app or managed identity: \
         {}, and Entra receives it unchanged{}",
        input.service_account().map_or("", ServiceAccount::name),
        not_an_id(client_id.value),
        OddCharacter::reason(client_id.value)
    );
    Problem::new(client_id.at, message)
}
