//! A gateway container that workload identity is told to skip.

use crate::gateway::IdentityKey;
use crate::policy::{Case, Finding, Holder, Mode, Rule};

/// A gateway container that is skipped.
pub(super) static RULE: Rule = Rule {
    id: "skipped-container",
    page: include_str!("../../../docs/rules/skipped-container.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(skip) = case.identity_key(Holder::PodAnnotations, IdentityKey::SkipContainers) else { return Vec::new() };
    let is_skipped = |name: &str| skip.value.split(';').any(|one| one.trim() == name);
    let skipped = case.parts_that_sign_in().map(|part| part.container.name).filter(|name| is_skipped(name));
    let problem = |name| {
        format!("container \"{name}\" is the gateway's and gets no identity while {} names it; take it out", skip.key)
    };
    skipped.map(|name| Finding::new(skip.at.clone(), problem(name))).collect()
}
