//! A proxy sidecar that a gateway does not need.

use crate::gateway::IdentityKey;
use crate::policy::{Edit, KeyLocation, Mode, Problem, Rule, RuleInput};

/// The pod template requests the proxy sidecar of azure-workload-identity.
pub(super) static RULE: Rule = Rule {
    id: "unneeded-proxy-sidecar",
    page: include_str!("../../../../../docs/rules/unneeded-proxy-sidecar.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let proxy = input.identity_key(KeyLocation::PodAnnotations, IdentityKey::InjectProxySidecar);
    let message =
        "whatever its value, it adds a privileged container for pod identity, which the gateway does not need";
    proxy
        .map(|key| {
            let message = format!("Remove {} from {}: {message}", key.key, key.location.described());
            Problem::new(key.at.clone(), message).with_unsafe_fix([Edit::Remove { at: key.at }])
        })
        .into_iter()
        .collect()
}
