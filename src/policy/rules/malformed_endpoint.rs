//! An endpoint that is no address.

use crate::gateway::{Endpoint, Setting};
use crate::policy::{Case, Finding, Mode, Rule, SettingValue};

/// An endpoint that is no address.
pub(super) static RULE: Rule = Rule {
    id: "malformed-endpoint",
    page: include_str!("../../../docs/rules/malformed-endpoint.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let endpoints = case.values(|setting| setting == Setting::Endpoint).into_iter();
    endpoints.filter(|value| value.text().map(Endpoint::of) == Some(Endpoint::Malformed)).map(finding).collect()
}

fn finding(value: SettingValue<'_>) -> Finding {
    let problem = "config.service.endpoint is no address of a configuration API; set it to NAME.configuration.azure-api.net, with or without https://, and nothing around it";
    Finding::new(value.at, problem)
}
