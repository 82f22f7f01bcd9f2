//! Denies a gateway's main `ConfigMap` without `config.service.endpoint`.

use crate::gateway::{Endpoint, Setting};
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
    let Some(key) = input.key_of_missing(Setting::Endpoint, |text| Endpoint::of(text) == Endpoint::Empty) else {
        return Vec::new();
    };
    let name = Setting::Endpoint.name();
    let message =
        format!("Set {name} to NAME.configuration.azure-api.net: without it the gateway finds no configuration");
    vec![Problem::new(PointerBuf::from_tokens(["data", key]), message)]
}
