//! Denies an auth key in plain text, in a container's environment or in a `ConfigMap`.

use crate::gateway::{AuthMethod, Setting};
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
    values.filter(|value| value.method() == Some(AuthMethod::Key)).map(problem).collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let (replacement, overrides) = (value.replacement(Some("revoke the key")), value.overrides());
    let message = format!("{replacement}: it is an auth key in plain text{overrides}");
    value.problem(message, "it holds an auth key in plain text, which is to be revoked")
}
