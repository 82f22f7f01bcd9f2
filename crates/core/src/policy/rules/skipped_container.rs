//! A gateway container that azure-workload-identity skips.

use crate::gateway::IdentityKey;
use crate::policy::{KeyLocation, Mode, Problem, Rule, RuleInput};
use std::collections::BTreeSet;

/// The annotation `skip-containers` names a container of the gateway.
pub(super) static RULE: Rule = Rule {
    id: "skipped-container",
    page: include_str!("../../../../../docs/rules/skipped-container.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(skip) = input.identity_key(KeyLocation::PodAnnotations, IdentityKey::SkipContainers) else {
        return Vec::new();
    };
    let skipped_names: BTreeSet<&str> = skip.value.split(';').map(str::trim).collect();
    let skipped = input
        .authenticating_containers()
        .filter(|gateway_container| !gateway_container.takes_only_address())
        .map(|gateway_container| gateway_container.container.name)
        .filter(|name| skipped_names.contains(name));
    let message = |name| {
        format!(
            "Remove \"{name}\" from {} of the pod template: it is a container of the gateway and gets no identity",
            skip.key
        )
    };
    skipped.map(|name| Problem::new(skip.at.clone(), message(name))).collect()
}
