//! `workloadIdentity` in another case, or with whitespace, quotes or invisible characters.

use crate::gateway::{AuthMethod, OddCharacter, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Edit, Mode, Problem, Rule, RuleInput, SettingValue};

/// The auth setting is a misspelled `workloadIdentity`.
pub(super) static RULE: Rule = Rule {
    id: "misspelled-auth-method",
    page: include_str!("../../../../../docs/rules/misspelled-auth-method.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let values = input.values(Setting::is_auth).into_iter();
    values.filter(|value| value.method() == Some(AuthMethod::Misspelled)).map(|value| problem(&value)).collect()
}

fn problem(value: &SettingValue<'_>) -> Problem {
    let why = match value.text().and_then(OddCharacter::find) {
        Some(odd) => format!("it has {odd}"),
        None => "its case differs".to_owned(),
    };
    let message = format!(
        "{}: {why}, and how the gateway compares is not documented",
        value.correction(&format!("exactly {WORKLOAD_IDENTITY}"))
    );
    // the method of a value that is written elsewhere is not known
    let fix = match value.correct_key() {
        Some(_) => Edit::Remove { at: value.at() },
        None => Edit::set(value.text_pointer(), WORKLOAD_IDENTITY),
    };
    Problem::new(value.at(), message).with_unsafe_fix([fix])
}
