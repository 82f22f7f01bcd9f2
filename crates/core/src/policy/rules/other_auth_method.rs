//! A gateway that authenticates by another method than workload identity or an Entra app.

use crate::gateway::{AuthMethod, OddCharacter, Setting, WORKLOAD_IDENTITY};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// `config.service.auth` names another method than `workloadIdentity` and `azureAdApp`.
pub(super) static RULE: Rule = Rule {
    id: "other-auth-method",
    page: include_str!("../../../../../docs/rules/other-auth-method.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    input
        .values_with_found(Setting::is_auth)
        .into_iter()
        .filter(|value| value.method() == Some(AuthMethod::Other) || is_empty_entry(value))
        .map(problem)
        .collect()
}

/// Whether the value is empty and overrides the value of a `ConfigMap`: the author decided so.
fn is_empty_entry(value: &SettingValue<'_>) -> bool {
    value.method() == Some(AuthMethod::Empty) && value.overridden.is_some()
}

fn problem(value: SettingValue<'_>) -> Problem {
    if is_empty_entry(&value) {
        let (entry, overrides) = (value.named(), value.overrides());
        let message = format!("Remove {entry}, or set it to {WORKLOAD_IDENTITY}: it is empty{overrides}");
        return value.problem(message, "it is empty");
    }
    // a letter of another alphabet is a different method, which nobody sees
    let odd = value.text().filter(|text| !text.is_ascii()).map(OddCharacter::reason).unwrap_or_default();
    let message = format!(
        "{}: it names another method, and only {WORKLOAD_IDENTITY} needs neither a key nor a secret{odd}{}",
        value.correction(WORKLOAD_IDENTITY),
        value.overrides()
    );
    value.problem(message, "it names another method")
}
