//! Denies a gateway's main `ConfigMap` without `config.service.endpoint`.

use crate::gateway::{EndpointForm, Setting};
use crate::policy::{Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// The rule `missing-endpoint`.
pub(super) static RULE: Rule = Rule {
    id: "missing-endpoint",
    page: include_str!("../../../../../docs/rules/missing-endpoint.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let is_missing = |text: &str| EndpointForm::of(text) == EndpointForm::Empty;
    let Some((config_map, key)) = input.config_map().zip(input.missing_setting_key(Setting::Endpoint, is_missing))
    else {
        return Vec::new();
    };
    let message = format!(
        "Set {} in ConfigMap \"{}\" to NAME.configuration.azure-api.net: without it the gateway finds no configuration",
        key,
        config_map.name()
    );
    vec![Problem::new(PointerBuf::from_tokens(["data", key]), message)]
}
