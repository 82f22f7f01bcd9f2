//! Sets `config.service.auth` in a gateway's main `ConfigMap` that has none.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// The rule `missing-auth-method`.
pub(super) static RULE: Rule = Rule {
    id: "missing-auth-method",
    page: include_str!("../../../../../docs/rules/missing-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let is_missing = |text: &str| AuthMethod::of(Setting::Auth, text) == AuthMethod::Empty;
    let Some(key) = input.key_of_missing(Setting::Auth, is_missing) else { return Vec::new() };
    let at = PointerBuf::from_tokens(["data", key]);
    let name = Setting::Auth.name();
    let message = format!("Set {name} to {WORKLOAD_IDENTITY}: without it the gateway cannot authenticate");
    // Kubernetes rejects a key that is in both `data` and `binaryData`, so the owner has to decide there.
    let can_set = input.config_map().is_some_and(|config_map| !config_map.has_binary(key));
    let edit = can_set.then(|| Edit::set(at.clone(), WORKLOAD_IDENTITY));
    vec![Problem::new(at, message).with_fix(edit)]
}
