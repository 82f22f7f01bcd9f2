//! A gateway's main `ConfigMap` that doesn't say which gateway it is.

use crate::gateway::Setting;
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// A main `ConfigMap` without the gateway's name.
pub(super) static RULE: Rule = Rule {
    id: "missing-gateway-name",
    page: include_str!("../../../docs/rules/missing-gateway-name.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(key) = input.key_of_missing(Setting::GatewayName, |text| text.trim().is_empty()) else {
        return Vec::new();
    };
    let at = PointerBuf::from_tokens(["data", key]);
    let message = "gateway.name is not set, and sign-in with Entra needs it";
    let is_free = input.config_map().is_some_and(|config_map| !config_map.has_binary(key));
    match input.expectations.gateway_name_to_set().filter(|_| is_free) {
        Some(name) => {
            let told = format!("{message}; set it to the name that this namespace expects");
            vec![Problem::new(at.clone(), told).with_fix([Edit::set(at, name)])]
        }
        None => {
            vec![Problem::new(at, format!("{message}; set it to the name of the gateway resource in API Management"))]
        }
    }
}
