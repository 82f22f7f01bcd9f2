//! A gateway that is given the secret of an Entra app.

use crate::gateway::Setting;
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// A client secret of an Entra app.
pub(super) static RULE: Rule = Rule {
    id: "client-secret-reference",
    page: include_str!("../../../docs/rules/client-secret-reference.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let secrets = input.values(|setting| setting == Setting::ClientSecret);
    // a text that is empty is no secret; one that can't be seen may be
    secrets.into_iter().filter(|value| value.text().is_none_or(|text| !text.trim().is_empty())).map(problem).collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message =
        "a client secret is given, which expires and leaks as a key does; remove it: workload identity needs none";
    Problem::new(value.at, format!("{}: {message}", value.setting.name()))
}
