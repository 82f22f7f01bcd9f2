//! Sets `config.service.auth` in a gateway's main `ConfigMap` that has none, and denies a workload without one.

use crate::gateway::{
    AuthMethod, ConfigMap, ContainerList, GatewayContainer, Lookup, Setting, Variable, WORKLOAD_IDENTITY,
};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;
use std::collections::BTreeSet;

/// The rule `missing-auth-method`.
pub(super) static RULE: Rule = Rule {
    id: "missing-auth-method",
    page: include_str!("../../../../../docs/rules/missing-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    match input.config_map() {
        Some(config_map) => in_config_map(input, config_map).into_iter().collect(),
        None => at_workload(input),
    }
}

fn in_config_map(input: &RuleInput<'_>, config_map: &ConfigMap) -> Option<Problem> {
    let is_missing = |text: &str| AuthMethod::of(Setting::Auth, text) == AuthMethod::Empty;
    let key = input.missing_setting_key(Setting::Auth, is_missing)?;
    let at = PointerBuf::from_tokens(["data", key]);
    let message = format!(
        "Set {} in ConfigMap \"{}\" to {WORKLOAD_IDENTITY}: without it the gateway cannot authenticate",
        Setting::Auth.name(),
        config_map.name()
    );
    // Kubernetes rejects a key that is in both `data` and `binaryData`, so the owner has to decide there.
    let edit = (!config_map.has_binary(key)).then(|| Edit::set(at.clone(), WORKLOAD_IDENTITY));
    Some(Problem::new(at, message).with_fix(edit))
}

/// The containers with an endpoint and without an auth method. A container that takes the gateway's main `ConfigMap` is
/// left out: the problem is reported there.
fn at_workload(input: &RuleInput<'_>) -> Vec<Problem> {
    let all_config_maps: BTreeSet<&str> =
        input.authenticating_containers().flat_map(whole_config_maps).map(|(name, _)| name).collect();
    let is_main = |name: &str| {
        let has_endpoint = |config_map: &ConfigMap| config_map.values_of(Setting::Endpoint).next().is_some();
        all_config_maps.len() == 1
            || input.expectations.config_maps.iter().any(|expected| expected == name)
            || matches!(input.related.config_map(name), Lookup::Found(config_map) if has_endpoint(config_map))
    };
    // a key of a ConfigMap with a prefix does not become the setting
    let takes_main = |container: &GatewayContainer<'_>| {
        whole_config_maps(container).any(|(name, prefix)| prefix.is_empty() && is_main(name))
    };
    input
        .authenticating_containers()
        .filter(|container| lacks_auth_method(container) && !takes_main(container))
        .map(problem)
        .collect()
}

/// The `ConfigMap`s in `envFrom`, each with its prefix.
fn whole_config_maps<'a>(container: &'a GatewayContainer<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
    container.container.env_from.iter().filter_map(|from| {
        Some((from.config_map_ref.as_ref()?.name.as_str(), from.prefix.as_deref().unwrap_or_default()))
    })
}

/// Returns true if it is certain that the container has an endpoint and no auth method.
fn lacks_auth_method(container: &GatewayContainer<'_>) -> bool {
    let settings = || container.environment.settings();
    container.container.list == ContainerList::Containers
        && container.environment.is_fully_known()
        && settings().any(|(setting, variable)| setting == Setting::Endpoint && !variable.is_blank())
        && settings().filter(|(setting, _)| setting.is_auth()).all(|(_, variable)| variable.is_blank())
        && container.container.auth_assignments().next().is_none()
}

/// There is no fix: the owner decides whether the setting belongs in `env` or in a `ConfigMap`.
fn problem(container: &GatewayContainer<'_>) -> Problem {
    let auth = container.environment.settings().filter(|(setting, _)| setting.is_auth()).last();
    let at = auth.map(|(_, variable): (Setting, &Variable<'_>)| container.container.entry_pointer(variable.index));
    let message = format!(
        "Set {} to {WORKLOAD_IDENTITY} in a ConfigMap that container \"{}\" takes by envFrom, or in its env: without \
         it the gateway cannot authenticate",
        Setting::Auth.name(),
        container.container.name
    );
    Problem::new(at.unwrap_or_else(|| container.container.pointer_to(["env"])), message)
}
