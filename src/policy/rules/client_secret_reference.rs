//! A gateway that is given the secret of an Entra app.

use crate::gateway::Setting;
use crate::policy::{Case, Finding, Mode, Rule, SettingValue};

/// A client secret of an Entra app.
pub(super) static RULE: Rule = Rule {
    id: "client-secret-reference",
    page: include_str!("../../../docs/rules/client-secret-reference.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let secrets = case.values(|setting| setting == Setting::ClientSecret);
    // a text that is empty is no secret; one that can't be seen may be
    secrets.into_iter().filter(|value| value.text().is_none_or(|text| !text.trim().is_empty())).map(finding).collect()
}

fn finding(value: SettingValue<'_>) -> Finding {
    let problem =
        "a client secret is given, which expires and leaks as a key does; remove it: workload identity needs none";
    Finding::new(value.at, format!("{}: {problem}", value.setting.name()))
}
