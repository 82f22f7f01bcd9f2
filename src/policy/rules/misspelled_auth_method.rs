//! `workloadIdentity` in another case, or with blanks around it.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// A misspelt `workloadIdentity`.
pub(super) static RULE: Rule = Rule {
    id: "misspelled-auth-method",
    page: include_str!("../../../docs/rules/misspelled-auth-method.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let values = input.values(Setting::is_auth).into_iter();
    values.filter(|value| value.method() == Some(AuthMethod::Misspelt)).map(problem).collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = "is written in another case or with blanks around it, and how the gateway compares is not documented; write it exactly so";
    Problem::new(value.at, format!("{WORKLOAD_IDENTITY} {message}"))
}
