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
    let Some((config_map, key)) = input.config_map().zip(input.missing_setting_key(Setting::Auth, is_missing)) else {
        return Vec::new();
    };
    let at = PointerBuf::from_tokens(["data", key]);
    let message = format!(
        "Set {} in ConfigMap \"{}\" to {WORKLOAD_IDENTITY}: without it the gateway cannot authenticate",
        Setting::Auth.name(),
        config_map.name()
    );
    // Kubernetes rejects a key that is in both `data` and `binaryData`, so the owner has to decide there.
    let edit = (!config_map.has_binary(key)).then(|| Edit::set(at.clone(), WORKLOAD_IDENTITY));
    vec![Problem::new(at, message).with_fix(edit)]
}
