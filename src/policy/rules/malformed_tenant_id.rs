//! A tenant id that is none.

use crate::gateway::{IdentityKey, is_guid};
use crate::policy::{Case, Finding, Holder, Mode, Rule};

/// A tenant id that is no GUID.
pub(super) static RULE: Rule = Rule {
    id: "malformed-tenant-id",
    page: include_str!("../../../docs/rules/malformed-tenant-id.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let tenant_id = case.identity_key(Holder::ServiceAccountAnnotations, IdentityKey::TenantId);
    // even an empty one takes the place of the cluster's
    let malformed = tenant_id.filter(|key| !is_guid(key.value));
    let problem = "the tenant id is no GUID, and takes the place of the cluster's; set the tenant's id, or remove it";
    malformed.map(|key| Finding::new(key.at, problem)).into_iter().collect()
}
