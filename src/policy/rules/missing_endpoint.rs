//! A gateway's main `ConfigMap` that doesn't say where its configuration is.

use crate::gateway::{Endpoint, Setting};
use crate::policy::{Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// A main `ConfigMap` without an endpoint.
pub(super) static RULE: Rule = Rule {
    id: "missing-endpoint",
    page: include_str!("../../../docs/rules/missing-endpoint.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let Some(key) = input.key_of_missing(Setting::Endpoint, |text| Endpoint::of(text) == Endpoint::Empty) else {
        return Vec::new();
    };
    let message = "config.service.endpoint is not set, so the gateway finds no configuration; set it to NAME.configuration.azure-api.net";
    vec![Problem::new(PointerBuf::from_tokens(["data", key]), message)]
}
