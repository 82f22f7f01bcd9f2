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
    let in_config_map = input.config_map().is_some();
    let values = input.values(Setting::is_auth).into_iter();
    values.filter(|value| value.method() == Some(AuthMethod::Key)).map(|value| problem(value, in_config_map)).collect()
}

fn problem(value: SettingValue<'_>, in_config_map: bool) -> Problem {
    let name = value.setting.name();
    let replacement = match value.setting {
        Setting::Auth if in_config_map => format!("Set {name} to {WORKLOAD_IDENTITY}"),
        Setting::Auth => format!("Remove {name} here, set it to {WORKLOAD_IDENTITY} in the ConfigMap,"),
        _ => format!("Remove {name}, set {} to {WORKLOAD_IDENTITY},", Setting::Auth.name()),
    };
    let overridden = value.overridden.map(|name| format!(" and overrides ConfigMap \"{name}\"")).unwrap_or_default();
    Problem::new(value.at, format!("{replacement} and revoke the key: it holds an auth key in plain text{overridden}"))
}
