//! A gateway's main `ConfigMap` that doesn't say how to sign in.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Case, Edit, Finding, Mode, Rule};
use jsonptr::PointerBuf;

/// A gateway's main `ConfigMap` without `config.service.auth`.
pub(super) static RULE: Rule = Rule {
    id: "missing-auth-method",
    page: include_str!("../../../docs/rules/missing-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(config_map) = case.config_map().filter(|config_map| case.is_main(config_map)) else {
        return Vec::new();
    };
    let mut texts = config_map.texts_of(Setting::Auth).peekable();
    // an empty value is mended where it stands, however its key is spelt
    let key = texts.peek().map_or(Setting::Auth.name(), |(key, _)| key);
    let is_told = texts.any(|(_, text)| AuthMethod::of(Setting::Auth, text) != AuthMethod::Empty);
    if is_told || case.surroundings.is_supplied_elsewhere(Setting::Auth, config_map.name()) {
        return Vec::new();
    }
    let at = PointerBuf::from_tokens(["data", key]);
    let problem =
        format!("config.service.auth is not set, so the gateway signs in nowhere; set it to {WORKLOAD_IDENTITY}");
    // Kubernetes refuses a key that stands in `data` and `binaryData`, so there its owner has to decide
    let edit = (!config_map.has_binary(key)).then(|| Edit::set(at.clone(), WORKLOAD_IDENTITY));
    vec![Finding::new(at, problem).remedied_by(edit)]
}
