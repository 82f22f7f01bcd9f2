//! A tenant id that is none.

use crate::gateway::{IdentityKey, is_guid};
use crate::policy::{KeyLocation, Mode, Problem, Rule, RuleInput};

/// A tenant id that is no GUID.
pub(super) static RULE: Rule = Rule {
    id: "malformed-tenant-id",
    page: include_str!("../../../docs/rules/malformed-tenant-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let tenant_id = input.identity_key(KeyLocation::ServiceAccountAnnotations, IdentityKey::TenantId);
    // even an empty one takes the place of the cluster's
    let malformed = tenant_id.filter(|key| !is_guid(key.value));
    let message = "the tenant id is no GUID, and takes the place of the cluster's; set the tenant's id, or remove it";
    malformed.map(|key| Problem::new(key.at, message)).into_iter().collect()
}
