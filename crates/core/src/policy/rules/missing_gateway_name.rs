//! Sets `gateway.name` in a gateway's main `ConfigMap` that has none, and denies a workload without one.

use crate::gateway::{ConfigMap, GatewayContainer, Setting};
use crate::policy::lacking::{containers_lacking, last_variable};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// The rule `missing-gateway-name`.
pub(super) static RULE: Rule = Rule {
    id: "missing-gateway-name",
    page: include_str!("../../../../../docs/rules/missing-gateway-name.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    match input.config_map() {
        Some(config_map) => in_config_map(input, config_map).into_iter().collect(),
        None => containers_lacking(input, |setting| setting == Setting::GatewayName).map(at_workload).collect(),
    }
}

fn in_config_map(input: &RuleInput<'_>, config_map: &ConfigMap) -> Option<Problem> {
    let key = input.missing_setting_key(Setting::GatewayName, |text| text.trim().is_empty())?;
    let at = PointerBuf::from_tokens(["data", key]);
    // Kubernetes rejects a key that is in both `data` and `binaryData`, so the owner has to decide there.
    // With several gateways it is not known whose name is configured.
    let can_fix = !config_map.has_binary(key) && input.is_only_main_config_map(config_map);
    let gateway_name = input.expectations.gateway_name_to_set().filter(|_| can_fix);
    let target = match gateway_name {
        Some(_) => "the name that is configured for the namespace",
        None => "the name of the gateway resource in API Management",
    };
    let message =
        format!("Set {} in ConfigMap \"{}\" to {target}: Entra authentication needs it", key, config_map.name());
    Some(Problem::new(at.clone(), message).with_fix(gateway_name.map(|name| Edit::set(at, name))))
}

/// There is no fix: the owner decides whether the setting belongs in `env` or in a `ConfigMap`.
fn at_workload(container: &GatewayContainer<'_>) -> Problem {
    let name = last_variable(container, |setting| setting == Setting::GatewayName);
    let at = name.map(|variable| container.container.entry_pointer(variable.index));
    let message = format!(
        "Set {} to the name of the gateway resource in API Management in a ConfigMap that container \"{}\" takes by \
         envFrom, or in its env: Entra authentication needs it",
        Setting::GatewayName.name(),
        container.container.name
    );
    Problem::new(at.unwrap_or_else(|| container.container.pointer_to(["env"])), message)
}
