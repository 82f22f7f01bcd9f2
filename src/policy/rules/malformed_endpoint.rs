//! An endpoint that is no address.

use crate::gateway::{Endpoint, Setting};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// An endpoint that is no address.
pub(super) static RULE: Rule = Rule {
    id: "malformed-endpoint",
    page: include_str!("../../../docs/rules/malformed-endpoint.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let endpoints = input.values(|setting| setting == Setting::Endpoint).into_iter();
    endpoints.filter(|value| value.text().map(Endpoint::of) == Some(Endpoint::Malformed)).map(problem).collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = "config.service.endpoint is no address of a configuration API; set it to NAME.configuration.azure-api.net, with or without https://, and nothing around it";
    Problem::new(value.at, message)
}
