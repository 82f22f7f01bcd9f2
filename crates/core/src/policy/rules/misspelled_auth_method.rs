//! `workloadIdentity` in another case, or with whitespace around it.

use crate::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// The auth setting is a misspelled `workloadIdentity`.
pub(super) static RULE: Rule = Rule {
    id: "misspelled-auth-method",
    page: include_str!("../../../../../docs/rules/misspelled-auth-method.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let values = input.values(Setting::is_auth).into_iter();
    values.filter(|value| value.method() == Some(AuthMethod::Misspelled)).map(problem).collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = format!(
        "Set {} to exactly {WORKLOAD_IDENTITY}: its case differs or it has whitespace around it, \
         and how the gateway compares is not documented",
        value.named()
    );
    Problem::new(value.at, message)
}
