//! Denies a `config.service.endpoint` that is not an address.

use crate::gateway::{EndpointForm, Setting};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// The rule `malformed-endpoint`.
pub(super) static RULE: Rule = Rule {
    id: "malformed-endpoint",
    page: include_str!("../../../../../docs/rules/malformed-endpoint.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let endpoints = input.values(|setting| setting == Setting::Endpoint).into_iter();
    endpoints.filter(|value| value.text().map(EndpointForm::of) == Some(EndpointForm::Malformed)).map(problem).collect()
}

fn problem(value: SettingValue<'_>) -> Problem {
    let message = format!(
        "Set {} to NAME.configuration.azure-api.net, with or without https://, and nothing around it: the value \
         is not an address of a configuration API",
        value.named()
    );
    Problem::new(value.at, message)
}
