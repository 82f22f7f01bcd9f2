//! A proxy that a gateway has no use for.

use crate::gateway::IdentityKey;
use crate::policy::{KeyLocation, Mode, Problem, Rule, RuleInput};

/// The proxy of workload identity.
pub(super) static RULE: Rule = Rule {
    id: "unneeded-proxy-sidecar",
    page: include_str!("../../../docs/rules/unneeded-proxy-sidecar.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let proxy = input.identity_key(KeyLocation::PodAnnotations, IdentityKey::InjectProxySidecar);
    let message = "adds a privileged container for programs of pod identity, whatever its value, and the gateway needs none; remove it";
    proxy.map(|key| Problem::new(key.at, format!("{} {message}", key.key))).into_iter().collect()
}
