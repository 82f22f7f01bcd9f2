//! A proxy that a gateway has no use for.

use crate::gateway::IdentityKey;
use crate::policy::{Case, Finding, Holder, Mode, Rule};

/// The proxy of workload identity.
pub(super) static RULE: Rule = Rule {
    id: "unneeded-proxy-sidecar",
    page: include_str!("../../../docs/rules/unneeded-proxy-sidecar.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let proxy = case.identity_key(Holder::PodAnnotations, IdentityKey::InjectProxySidecar);
    let problem = "adds a privileged container for programs of pod identity, whatever its value, and the gateway needs none; remove it";
    proxy.map(|key| Finding::new(key.at, format!("{} {problem}", key.key))).into_iter().collect()
}
