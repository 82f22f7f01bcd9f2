//! Sets `config.service.auth` in a gateway's main `ConfigMap` that has none, and denies a workload without one.

use crate::gateway::{AuthMethod, ConfigMap, GatewayContainer, Setting, WORKLOAD_IDENTITY};
use crate::policy::lacking::{containers_lacking, last_variable};
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
    match input.config_map() {
        Some(config_map) => in_config_map(input, config_map).into_iter().collect(),
        None => at_workload(input),
    }
}

fn in_config_map(input: &RuleInput<'_>, config_map: &ConfigMap) -> Option<Problem> {
    let is_missing = |text: &str| AuthMethod::of(Setting::Auth, text) == AuthMethod::Empty;
    let key = input.missing_setting_key(Setting::Auth, is_missing)?;
    let at = PointerBuf::from_tokens(["data", key]);
    let message = format!(
        "Set {} in ConfigMap \"{}\" to {WORKLOAD_IDENTITY}: without it the gateway cannot authenticate",
        key,
        config_map.name()
    );
    // Kubernetes rejects a key that is in both `data` and `binaryData`, so the owner has to decide there.
    let edit = (!config_map.has_binary(key)).then(|| Edit::set(at.clone(), WORKLOAD_IDENTITY));
    Some(Problem::new(at, message).with_fix(edit))
}

fn at_workload(input: &RuleInput<'_>) -> Vec<Problem> {
    let lacking = containers_lacking(input, Setting::is_auth);
    lacking.filter(|container| container.auth_assignments.is_empty()).map(problem).collect()
}

/// There is no fix: the owner decides whether the setting belongs in `env` or in a `ConfigMap`.
fn problem(container: &GatewayContainer<'_>) -> Problem {
    let auth = last_variable(container, Setting::is_auth);
    let at = auth.map(|variable| container.container.entry_pointer(variable.index));
    let message = format!(
        "Set {} to {WORKLOAD_IDENTITY} in a ConfigMap that container \"{}\" takes by envFrom, or in its env: without \
         it the gateway cannot authenticate",
        Setting::Auth.name(),
        container.container.name
    );
    Problem::new(at.unwrap_or_else(|| container.container.pointer_to(["env"])), message)
}
