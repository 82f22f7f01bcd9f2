//! Denies a `config.service.endpoint` that is not an address.

use crate::gateway::{Cloud, EndpointForm, OddCharacter, Setting};
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
    endpoints.filter_map(|value| problem(value.text().map(EndpointForm::of)?, &value)).collect()
}

fn problem(form: EndpointForm, value: &SettingValue<'_>) -> Option<Problem> {
    let why = match form {
        EndpointForm::GatewayHost => "it is in API Management's domain, but is not the host of a configuration API",
        EndpointForm::Malformed => "the value is not an address of a configuration API",
        EndpointForm::Empty | EndpointForm::Retired | EndpointForm::Usable => return None,
    };
    let message = format!(
        "{}: {why}{}",
        value.correction(&format!(
            "{}, with or without https://, and nothing around it",
            value.text().and_then(Cloud::of_api_management).unwrap_or(Cloud::Public).configuration_host()
        )),
        value.text().map(OddCharacter::reason).unwrap_or_default()
    );
    Some(Problem::new(value.at(), message))
}
