//! Sets `gateway.name` in a gateway's main `ConfigMap` that has none.

use crate::gateway::Setting;
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
    let is_missing = |text: &str| text.trim().is_empty();
    let Some((config_map, key)) = input.config_map().zip(input.missing_setting_key(Setting::GatewayName, is_missing))
    else {
        return Vec::new();
    };
    let at = PointerBuf::from_tokens(["data", key]);
    // Kubernetes rejects a key that is in both `data` and `binaryData`, so the owner has to decide there.
    let gateway_name = input.expectations.gateway_name_to_set().filter(|_| !config_map.has_binary(key));
    let target = match gateway_name {
        Some(_) => "the name that is configured for the namespace",
        None => "the name of the gateway resource in API Management",
    };
    let message = format!(
        "Set {} in ConfigMap \"{}\" to {target}: Entra authentication needs it",
        Setting::GatewayName.name(),
        config_map.name()
    );
    vec![Problem::new(at.clone(), message).with_fix(gateway_name.map(|name| Edit::set(at, name)))]
}
