//! An endpoint of the retired version 1 of the configuration API.

use crate::gateway::{Cloud, EndpointForm, Setting};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};

/// `config.service.endpoint` is an address of the retired API, or of Azure Resource Manager.
pub(super) static RULE: Rule = Rule {
    id: "retired-endpoint",
    page: include_str!("../../../../../docs/rules/retired-endpoint.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let endpoints = input.values(|setting| setting == Setting::Endpoint).into_iter();
    endpoints
        .filter(|value| value.text().map(EndpointForm::of) == Some(EndpointForm::Retired))
        .map(|value| problem(&value))
        .collect()
}

fn why(text: &str) -> &'static str {
    if EndpointForm::is_resource_manager(text) {
        "it is an address of Azure Resource Manager, and not of a configuration API"
    } else {
        "it is an address of version 1 of the configuration API, which was retired in October 2023"
    }
}

fn problem(value: &SettingValue<'_>) -> Problem {
    let message = format!(
        "{}: {}",
        value.correction(value.text().and_then(Cloud::of_api_management).unwrap_or(Cloud::Public).configuration_host()),
        why(value.text().unwrap_or_default())
    );
    Problem::new(value.at(), message)
}
