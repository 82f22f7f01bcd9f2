//! Warns about a gateway that references a `ConfigMap` that does not exist in its namespace.

use crate::gateway::{Container, EnvIndex, Lookup};
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The rule `absent-config-map`.
pub(super) static RULE: Rule = Rule {
    id: "absent-config-map",
    page: include_str!("../../../../../docs/rules/absent-config-map.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let containers = input.authenticating_containers().map(|gateway_container| &gateway_container.container);
    let references =
        containers.flat_map(|container| required_references(container).map(move |reference| (container, reference)));
    let absent = references.filter(|(_, (_, name))| input.related.config_map(name) == Lookup::Absent);
    absent
        .map(|(container, (index, name))| {
            let message = format!(
                "Create ConfigMap \"{name}\", or correct its name in container \"{}\": it does not exist in this \
                 namespace, so the Pods cannot start",
                container.name
            );
            // Only a warning: the cache lags behind the cluster, so a ConfigMap that was just created may look absent.
            Problem { only_warned: true, ..Problem::new(container.entry_pointer(index), message) }
        })
        .collect()
}

/// Every `ConfigMap` reference that must resolve before the container starts.
fn required_references<'a>(container: &Container<'a>) -> impl Iterator<Item = (EnvIndex, &'a str)> + use<'a> {
    let whole = container.env_from.iter().enumerate().filter_map(|(index, from)| {
        let reference = from.config_map_ref.as_ref().filter(|reference| reference.optional != Some(true))?;
        Some((EnvIndex::EnvFrom(index), reference.name.as_str()))
    });
    let single = container.env.iter().enumerate().filter_map(|(index, variable)| {
        let reference = variable.value_from.as_ref()?.config_map_key_ref.as_ref()?;
        let is_required = reference.optional != Some(true);
        is_required.then_some((EnvIndex::Env(index), reference.name.as_str()))
    });
    whole.chain(single)
}
