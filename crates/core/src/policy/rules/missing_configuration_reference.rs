//! Adds the `ConfigMap` reference to a gateway container that has neither one nor an endpoint of its own.

use crate::gateway::{ContainerList, GatewayContainer, Setting};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};

/// The rule `missing-configuration-reference`.
pub(super) static RULE: Rule = Rule {
    id: "missing-configuration-reference",
    page: include_str!("../../../../../docs/rules/missing-configuration-reference.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    input
        .authenticating_containers()
        .filter(|gateway_container| {
            gateway_container.container.list == ContainerList::Containers && !has_configuration(gateway_container)
        })
        .map(|gateway_container| problem(input, gateway_container))
        .collect()
}

/// A reference to any `ConfigMap` counts: which one to use is the owner's decision.
fn has_configuration(gateway_container: &GatewayContainer<'_>) -> bool {
    gateway_container.container.env_from.iter().any(|source| source.config_map_ref.is_some())
        || gateway_container
            .environment
            .settings()
            .any(|(setting, variable)| setting == Setting::Endpoint && !variable.is_blank())
}

fn problem(input: &RuleInput<'_>, gateway_container: &GatewayContainer<'_>) -> Problem {
    let at = gateway_container.container.pointer_to(["envFrom"]);
    let container = gateway_container.container.name;
    let why = "it has no envFrom configMapRef and no config.service.endpoint, so the gateway finds no configuration";
    match input.expectations.config_map_to_set(input.related) {
        Some(name) => {
            let reference = serde_json::json!({"configMapRef": {"name": name}});
            Problem::new(at.clone(), format!("Add ConfigMap \"{name}\" to envFrom of container \"{container}\": {why}"))
                .with_fix([Edit::Append { at, value: reference }])
        }
        None => Problem::new(at, format!("Add the gateway's ConfigMap to envFrom of container \"{container}\": {why}")),
    }
}
