//! A gateway's main `ConfigMap` that doesn't say how to sign in.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// A gateway's main `ConfigMap` without `config.service.auth`.
pub(super) static RULE: Rule = Rule {
    id: "missing-auth-method",
    page: include_str!("../../../docs/rules/missing-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let is_missing = |text: &str| AuthMethod::of(Setting::Auth, text) == AuthMethod::Empty;
    let Some(key) = input.key_of_missing(Setting::Auth, is_missing) else { return Vec::new() };
    let at = PointerBuf::from_tokens(["data", key]);
    let message =
        format!("config.service.auth is not set, so the gateway signs in nowhere; set it to {WORKLOAD_IDENTITY}");
    // Kubernetes refuses a key that stands in `data` and `binaryData`, so there its owner has to decide
    let is_free = input.config_map().is_some_and(|config_map| !config_map.has_binary(key));
    let edit = is_free.then(|| Edit::set(at.clone(), WORKLOAD_IDENTITY));
    vec![Problem::new(at, message).with_fix(edit)]
}
