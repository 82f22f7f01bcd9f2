//! Denies an auth key in plain text, in a container's environment or in a `ConfigMap`.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// The rule `auth-key-literal`.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-literal",
    page: include_str!("../../../../../docs/rules/auth-key-literal.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let values = input.values_with_found(Setting::is_auth).into_iter();
    values.filter(|value| value.method() == Some(AuthMethod::Key)).map(|value| problem(input, value)).collect()
}

fn problem(input: &RuleInput<'_>, value: SettingValue<'_>) -> Problem {
    let (entry, auth) = (value.named(), Setting::Auth.name());
    let replacement = if value.setting == Setting::Auth && input.config_map().is_some() {
        format!("Set {entry} to {WORKLOAD_IDENTITY}")
    } else if value.setting == Setting::Auth && value.overridden.is_some() {
        // The ConfigMap already has the setting. A wrong value there is a finding of its own.
        format!("Remove {entry}")
    } else {
        format!("Remove {entry}, set {auth}: {WORKLOAD_IDENTITY} in {}", value.target_config_map(input))
    };
    let overrides = value.overrides();
    let message = format!("{replacement} and revoke the key: it is an auth key in plain text{overrides}");
    value.problem(message, "it holds an auth key in plain text, which is to be revoked")
}
