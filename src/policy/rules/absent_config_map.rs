//! A gateway that takes a `ConfigMap` which is not there.

use crate::gateway::{Entry, Part, Sight};
use crate::policy::{Case, Finding, Mode, Rule};
use jsonptr::PointerBuf;

/// A reference to a `ConfigMap` that is not there.
pub(super) static RULE: Rule = Rule {
    id: "absent-config-map",
    page: include_str!("../../../docs/rules/absent-config-map.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let references = case.parts_that_sign_in().flat_map(references);
    let absent = references.filter(|(_, name)| case.surroundings.config_map(name) == Sight::Absent);
    absent
        .map(|(at, name)| {
            let problem = format!("ConfigMap \"{name}\" is not there, so its Pods can't start; create it");
            // a watch is always a moment behind, so nothing is refused for what it doesn't show yet
            Finding { only_remarked: true, ..Finding::new(at, problem) }
        })
        .collect()
}

/// Every reference without which a container doesn't start.
fn references<'a>(part: &'a Part<'_>) -> impl Iterator<Item = (PointerBuf, &'a str)> {
    let container = &part.container;
    let whole = container.env_from.iter().enumerate().filter_map(|(index, from)| {
        let reference = from.config_map_ref.as_ref().filter(|reference| reference.optional != Some(true))?;
        Some((container.place_of(Entry::EnvFrom(index)), reference.name.as_str()))
    });
    let single = container.env.iter().enumerate().filter_map(|(index, variable)| {
        let reference = variable.value_from.as_ref()?.config_map_key_ref.as_ref()?;
        let is_needed = reference.optional != Some(true);
        is_needed.then(|| (container.place_of(Entry::Env(index)), reference.name.as_str()))
    });
    whole.chain(single)
}
