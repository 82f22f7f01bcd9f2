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
        .filter(|part| part.container.list == ContainerList::Containers && !has_configuration(part))
        .map(|part| problem(input, part))
        .collect()
}

/// A reference to any `ConfigMap` counts: which one to use is the owner's decision.
fn has_configuration(part: &GatewayContainer<'_>) -> bool {
    part.container.env_from.iter().any(|source| source.config_map_ref.is_some())
        || part.environment.settings().any(|(setting, variable)| setting == Setting::Endpoint && !variable.is_blank())
}

fn problem(input: &RuleInput<'_>, part: &GatewayContainer<'_>) -> Problem {
    let at = part.container.pointer_to(["envFrom"]);
    let why = "the container has no envFrom configMapRef and no config.service.endpoint, so the gateway finds no \
               configuration";
    match input.expectations.config_map_to_set(input.related) {
        Some(name) => {
            let reference = serde_json::json!({"configMapRef": {"name": name}});
            Problem::new(at.clone(), format!("Add ConfigMap \"{name}\" to envFrom: {why}"))
                .with_fix([Edit::Append { at, value: reference }])
        }
        None => Problem::new(at, format!("Add one of the gateway ConfigMaps of this namespace to envFrom: {why}")),
    }
}
