//! Adds the `ConfigMap` reference to a gateway container that has no endpoint.

use super::listed;
use crate::gateway::{ContainerList, GatewayContainer, Lookup, Setting, prefix_can_make_setting};
use crate::policy::lacking::{has_setting, is_main, whole_config_maps};
use crate::policy::{Candidates, Edit, Mode, Problem, Rule, RuleInput};

/// The rule `missing-configuration-reference`.
pub(super) static RULE: Rule = Rule {
    id: "missing-configuration-reference",
    page: include_str!("../../../../../docs/rules/missing-configuration-reference.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let containers = input.authenticating_containers();
    let regular = containers
        .filter(|container| container.container.list == ContainerList::Containers && !container.takes_only_address());
    let lacking = regular.filter(|container| !has_setting(container, |setting| setting == Setting::Endpoint));
    lacking.filter_map(|container| problem(input, container)).collect()
}

/// The problem of a container without an endpoint; `None` if a `ConfigMap` that it takes can have one, or is reported
/// itself.
fn problem(input: &RuleInput<'_>, container: &GatewayContainer<'_>) -> Option<Problem> {
    let names: Vec<&str> = configuring_config_maps(input, container).collect();
    if names.is_empty() {
        let why = if whole_config_maps(container).next().is_none() {
            "it has no envFrom configMapRef and no config.service.endpoint, so the gateway finds no configuration"
        } else {
            "none of its ConfigMaps sets config.service.endpoint (a prefix becomes a part of each name), so the gateway \
                 finds no configuration"
        };
        return Some(addition(input, container, &names, why));
    }
    // at the webhook each object answers for itself
    let is_reported =
        |name: &&str| input.related.coverage.is_given() && (takes_only(input, name) || is_main(input, name));
    if !container.environment.is_fully_known() || names.iter().any(is_reported) {
        return None;
    }
    let why = "none of its ConfigMaps has a config.service.endpoint, so the gateway finds no configuration";
    let problem = addition(input, container, &names, why);
    // what other objects lack is only a warning at the webhook: they can be written next. Only among files is the workload
    // itself one of the related objects
    let is_among_files =
        input.related.coverage.is_given() && names.iter().any(|name| input.related.is_config_map_of_gateway(name));
    Some(Problem { only_warned: !is_among_files, ..problem })
}

/// The `ConfigMap`s that a container takes, without those that certainly give it no setting, as far as files show.
fn configuring_config_maps<'c>(
    input: &'c RuleInput<'_>,
    container: &'c GatewayContainer<'_>,
) -> impl Iterator<Item = &'c str> {
    container.container.env_from.iter().filter_map(|source| {
        let reference = source.config_map_ref.as_ref()?;
        let prefix = source.prefix.as_deref().unwrap_or_default();
        // the webhook only warns: what it sets does not depend on what its cache holds
        let gives_nothing = match input.related.config_map(&reference.name) {
            _ if !input.related.coverage.is_given() => false,
            // the prefix is a part of each name
            Lookup::Found(_) => !prefix.is_empty() && !prefix_can_make_setting(prefix),
            Lookup::Absent => reference.optional == Some(true),
            Lookup::Unknown => false,
        };
        (!gives_nothing).then_some(reference.name.as_str())
    })
}

/// Whether a `ConfigMap` among files has no endpoint, and no rule would report that if the container took it: then a reference
/// to it fixes nothing.
fn is_known_without_endpoint(input: &RuleInput<'_>, config_map: &str) -> bool {
    let is_found = || matches!(input.related.config_map(config_map), Lookup::Found(_));
    input.related.coverage.is_given() && !takes_only(input, config_map) && is_found() && !is_main(input, config_map)
}

/// Whether the gateway's containers take no `ConfigMap` except this one.
fn takes_only(input: &RuleInput<'_>, config_map: &str) -> bool {
    let mut taken = input.authenticating_containers().flat_map(whole_config_maps);
    taken.all(|(name, _)| name == config_map)
}

/// The problem with its fix: a reference to the expected `ConfigMap`, unless the container has it.
fn addition(input: &RuleInput<'_>, container: &GatewayContainer<'_>, names: &[&str], why: &str) -> Problem {
    let (at, name) = (container.container.pointer_to(["envFrom"]), container.container.name);
    let has_gateway_image = !container.images.is_empty();
    match input.expectations.config_map_to_set(input.related, has_gateway_image) {
        Candidates::One(config_map) if is_known_without_endpoint(input, config_map) => {
            let addition = format!(", and add it to envFrom of container \"{name}\"");
            let addition = if names.contains(&config_map) { "" } else { &addition };
            Problem::new(at, format!("Set config.service.endpoint in ConfigMap \"{config_map}\"{addition}: {why}"))
        }
        Candidates::One(config_map) if !names.contains(&config_map) => {
            let reference = serde_json::json!({"configMapRef": {"name": config_map}});
            Problem::new(
                at.clone(),
                format!("Add ConfigMap \"{config_map}\" to envFrom of container \"{name}\": {why}"),
            )
            .with_fix([Edit::Append { at, value: reference }])
        }
        Candidates::Several(candidates) => Problem::new(
            at,
            format!("Add the gateway's ConfigMap ({}) to envFrom of container \"{name}\": {why}", listed(&candidates)),
        ),
        Candidates::One(_) | Candidates::None => {
            Problem::new(at, format!("Add the gateway's ConfigMap to envFrom of container \"{name}\": {why}"))
        }
    }
}
