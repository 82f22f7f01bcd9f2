//! A gateway that signs in by another method than workload identity.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// A gateway that signs in by another method.
pub(super) static RULE: Rule = Rule {
    id: "other-auth-method",
    page: include_str!("../../../docs/rules/other-auth-method.md"),
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
        "{} names another method than {WORKLOAD_IDENTITY}; only that one needs neither key nor secret",
        value.named()
    );
    Problem::new(value.at, message)
}
