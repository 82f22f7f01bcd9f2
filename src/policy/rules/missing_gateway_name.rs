//! A gateway's main `ConfigMap` that doesn't say which gateway it is.

use crate::gateway::Setting;
use crate::policy::{Case, Edit, Finding, Mode, Rule};
use jsonptr::PointerBuf;

/// A main `ConfigMap` without the gateway's name.
pub(super) static RULE: Rule = Rule {
    id: "missing-gateway-name",
    page: include_str!("../../../docs/rules/missing-gateway-name.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(key) = case.key_of_missing(Setting::GatewayName, |text| text.trim().is_empty()) else { return Vec::new() };
    let at = PointerBuf::from_tokens(["data", key]);
    let problem = "gateway.name is not set, and sign-in with Entra needs it";
    let is_free = case.config_map().is_some_and(|config_map| !config_map.has_binary(key));
    match case.expectations.gateway_name_to_set().filter(|_| is_free) {
        Some(name) => {
            let told = format!("{problem}; set it to the name that this namespace expects");
            vec![Finding::new(at.clone(), told).remedied_by([Edit::set(at, name)])]
        }
        None => {
            vec![Finding::new(at, format!("{problem}; set it to the name of the gateway resource in API Management"))]
        }
    }
}
