//! A client id that is none: a placeholder, blanks, anything but a GUID.

use crate::gateway::{IdentityKey, is_guid};
use crate::policy::{KeyLocation, Mode, Problem, Rule, RuleInput};

/// A client id that is no GUID.
pub(super) static RULE: Rule = Rule {
    id: "malformed-client-id",
    page: include_str!("../../../docs/rules/malformed-client-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let client_id = input.identity_key(KeyLocation::ServiceAccountAnnotations, IdentityKey::ClientId);
    // an empty one is missing, which another rule says
    let malformed = client_id.filter(|key| !key.value.is_empty() && !is_guid(key.value));
    let message = "the client id is no GUID, and is handed to Entra as it stands; set the client id of the Entra app or managed identity";
    malformed.map(|key| Problem::new(key.at, message)).into_iter().collect()
}
