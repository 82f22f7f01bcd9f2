//! A gateway that authenticates by another method than workload identity.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// `config.service.auth` names another method than `workloadIdentity`.
pub(super) static RULE: Rule = Rule {
    id: "other-auth-method",
    page: include_str!("../../../../../docs/rules/other-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    input
        .values(Setting::is_auth)
        .into_iter()
        .filter(|value| value.method() == Some(AuthMethod::Other))
        .map(problem)
        .collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = format!(
        "Set {} to {WORKLOAD_IDENTITY}: it names another method{}, and only this one needs neither a key nor a secret",
        value.named(),
        value.overrides()
    );
    Problem::new(value.at, message)
}
