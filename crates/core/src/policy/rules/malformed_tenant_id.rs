//! Denies a tenant id that is not a GUID.

use super::not_an_id;
use crate::gateway::{IdentityKey, OddCharacter, ServiceAccount, is_guid, well_known::TENANT_ID};
use crate::policy::{IdentityKeyAt, KeyLocation, Mode, Problem, Rule, RuleInput};

/// The rule `malformed-tenant-id`.
pub(super) static RULE: Rule = Rule {
    id: "malformed-tenant-id",
    page: include_str!("../../../../../docs/rules/malformed-tenant-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let tenant_id = input.identity_key(KeyLocation::ServiceAccountAnnotations, IdentityKey::TenantId);
    // Even an empty annotation replaces the cluster's tenant id.
    let malformed = tenant_id.filter(|key| !is_guid(key.value));
    malformed.map(|key| problem(input, key)).into_iter().collect()
}

fn problem(input: &RuleInput<'_>, tenant_id: IdentityKeyAt<'_>) -> Problem {
    let message = format!(
        "Remove annotation {TENANT_ID} of ServiceAccount \"{}\", or set it to the tenant's id: {}, and it replaces the \
         cluster's tenant id{}",
        input.service_account().map_or("", ServiceAccount::name),
        not_an_id(tenant_id.value),
        OddCharacter::reason(tenant_id.value)
    );
    Problem::new(tenant_id.at, message)
}
