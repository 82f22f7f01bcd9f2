//! A gateway that takes a `ConfigMap` which is not there.

use crate::gateway::{Container, EnvIndex, Lookup};
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// A reference to a `ConfigMap` that is not there.
pub(super) static RULE: Rule = Rule {
    id: "absent-config-map",
    page: include_str!("../../../docs/rules/absent-config-map.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let containers = input.authenticating_containers().map(|part| &part.container);
    let identity_key =
        containers.flat_map(|container| references(container).map(move |reference| (container, reference)));
    let absent = identity_key.filter(|(_, (_, name))| input.related.config_map(name) == Lookup::Absent);
    absent
        .map(|(container, (index, name))| {
            let message = format!("ConfigMap \"{name}\" is not there, so its Pods can't start; create it");
            // a watch is always a moment behind, so nothing is refused for what it doesn't show yet
            Problem { only_warned: true, ..Problem::new(container.place_of(index), message) }
        })
        .collect()
}

/// Every reference without which a container doesn't start.
fn references<'a>(container: &Container<'a>) -> impl Iterator<Item = (EnvIndex, &'a str)> + use<'a> {
    let whole = container.env_from.iter().enumerate().filter_map(|(index, from)| {
        let reference = from.config_map_ref.as_ref().filter(|reference| reference.optional != Some(true))?;
        Some((EnvIndex::EnvFrom(index), reference.name.as_str()))
    });
    let single = container.env.iter().enumerate().filter_map(|(index, variable)| {
        let reference = variable.value_from.as_ref()?.config_map_key_ref.as_ref()?;
        let is_needed = reference.optional != Some(true);
        is_needed.then_some((EnvIndex::Env(index), reference.name.as_str()))
    });
    whole.chain(single)
}
