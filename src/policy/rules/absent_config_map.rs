//! A gateway that takes a `ConfigMap` which is not there.

use crate::gateway::{Container, Entry, Sight};
use crate::policy::{Case, Finding, Mode, Rule};

/// A reference to a `ConfigMap` that is not there.
pub(super) static RULE: Rule = Rule {
    id: "absent-config-map",
    page: include_str!("../../../docs/rules/absent-config-map.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let containers = case.parts_that_sign_in().map(|part| &part.container);
    let placed = containers.flat_map(|container| references(container).map(move |reference| (container, reference)));
    let absent = placed.filter(|(_, (_, name))| case.surroundings.config_map(name) == Sight::Absent);
    absent
        .map(|(container, (entry, name))| {
            let problem = format!("ConfigMap \"{name}\" is not there, so its Pods can't start; create it");
            // a watch is always a moment behind, so nothing is refused for what it doesn't show yet
            Finding { only_remarked: true, ..Finding::new(container.place_of(entry), problem) }
        })
        .collect()
}

/// Every reference without which a container doesn't start.
fn references<'a>(container: &Container<'a>) -> impl Iterator<Item = (Entry, &'a str)> + use<'a> {
    let whole = container.env_from.iter().enumerate().filter_map(|(index, from)| {
        let reference = from.config_map_ref.as_ref().filter(|reference| reference.optional != Some(true))?;
        Some((Entry::EnvFrom(index), reference.name.as_str()))
    });
    let single = container.env.iter().enumerate().filter_map(|(index, variable)| {
        let reference = variable.value_from.as_ref()?.config_map_key_ref.as_ref()?;
        let is_needed = reference.optional != Some(true);
        is_needed.then_some((Entry::Env(index), reference.name.as_str()))
    });
    whole.chain(single)
}
