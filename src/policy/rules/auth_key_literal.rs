//! An auth key that is written out, in a container's environment or in a `ConfigMap`.

use crate::gateway::{AuthMethod, Setting};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// An auth key that is written out.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-literal",
    page: include_str!("../../../docs/rules/auth-key-literal.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    input
        .values(Setting::is_auth)
        .into_iter()
        .filter(|value| value.method() == Some(AuthMethod::Key))
        .map(problem)
        .collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let cure = "remove it and revoke the key: the ConfigMap's config.service.auth: workloadIdentity replaces it";
    let message = format!("{} holds an auth key in plain text; {cure}", value.named());
    Problem::new(value.at, message)
}
