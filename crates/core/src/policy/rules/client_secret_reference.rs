//! Warns about a gateway that has the client secret of an Entra app.

use crate::gateway::Setting;
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// The rule `client-secret-reference`.
pub(super) static RULE: Rule = Rule {
    id: "client-secret-reference",
    page: include_str!("../../../../../docs/rules/client-secret-reference.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let secrets = input.values(|setting| setting == Setting::ClientSecret);
    // Empty text is not a secret. An unknown value may be one.
    secrets
        .into_iter()
        .filter(|value| value.text().is_none_or(|text| !text.trim().is_empty()))
        .map(|value| problem(&value))
        .collect()
}

fn problem(value: &SettingValue<'_>) -> Problem {
    let message = format!(
        "Remove {}: a client secret expires and leaks like an auth key, and workload identity needs none",
        value.named()
    );
    Problem::new(value.at(), message)
}
