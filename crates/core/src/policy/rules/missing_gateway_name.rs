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
    let Some(key) = input.key_of_missing(Setting::GatewayName, |text| text.trim().is_empty()) else {
        return Vec::new();
    };
    let at = PointerBuf::from_tokens(["data", key]);
    // Kubernetes rejects a key that is in both `data` and `binaryData`, so the owner has to decide there.
    let can_set = input.config_map().is_some_and(|config_map| !config_map.has_binary(key));
    let gateway_name = input.expectations.gateway_name_to_set().filter(|_| can_set);
    let target = match gateway_name {
        Some(_) => "the name that this namespace expects",
        None => "the name of the gateway resource in API Management",
    };
    let message = format!("Set {} to {target}: Entra authentication needs it", Setting::GatewayName.name());
    vec![Problem::new(at.clone(), message).with_fix(gateway_name.map(|name| Edit::set(at, name)))]
}
