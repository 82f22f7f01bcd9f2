//! Settings of a gateway that belong to different clouds of Azure.

use crate::gateway::{Cloud, ConfigMap, Container, EnvIndex, EnvValue, GatewayContainer, Setting};
use crate::policy::lacking::last_variable;
use crate::policy::{Mode, Problem, Rule, RuleInput};
use jsonptr::PointerBuf;

/// The endpoint, the audience and the authority belong to different clouds, or a sovereign endpoint has no audience.
pub(super) static RULE: Rule = Rule {
    id: "mismatched-cloud",
    page: include_str!("../../../../../docs/rules/mismatched-cloud.md"),
    mode: Mode::Audit,
    check,
};

/// The settings that have to belong to the cloud of the endpoint.
const OTHERS: [Setting; 2] = [Setting::TokenAudience, Setting::Authority];

/// A value of a setting, and where it is.
struct Value<'a> {
    location: ValueLocation<'a>,
    /// The text; `None` if it is not known.
    text: Option<&'a str>,
    /// Whether a `ConfigMap` has it under the setting's own name.
    is_in_config_map: bool,
}

/// Where a value is.
#[derive(Clone, Copy)]
enum ValueLocation<'a> {
    ConfigMap { name: &'a str, key: &'a str },
    Container(&'a Container<'a>, EnvIndex),
}

impl ValueLocation<'_> {
    fn at(self) -> PointerBuf {
        match self {
            Self::ConfigMap { key, .. } => PointerBuf::from_tokens(["data", key]),
            Self::Container(container, index) => container.entry_pointer(index),
        }
    }

    /// For a message, such as ` in ConfigMap "orders-env"`.
    fn described(self) -> String {
        match self {
            Self::ConfigMap { name, .. } => format!(" in ConfigMap \"{name}\""),
            Self::Container(container, _) => format!(" of container \"{}\"", container.name),
        }
    }
}

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    match input.config_map() {
        Some(config_map) => {
            let is_supplied = |setting| input.related.is_supplied_elsewhere(setting, config_map.name());
            problems(|setting| in_config_map(config_map, setting), is_supplied, |_| true)
        }
        None => input.authenticating_containers().flat_map(in_container).collect(),
    }
}

/// The problems of a container. What only its `ConfigMap`s say is reported there.
fn in_container(container: &GatewayContainer<'_>) -> Vec<Problem> {
    let is_unknown = |_| !container.environment.is_fully_known();
    let is_written_here = |values: &[&Value<'_>]| values.iter().any(|value| !value.is_in_config_map);
    problems(|setting| of_container(container, setting), is_unknown, is_written_here)
}

/// Compares the settings with the endpoint. `is_elsewhere`: whether a setting that is absent here can be set elsewhere.
/// `is_reported`: whether a problem of these values is reported here.
fn problems<'v>(
    value_of: impl Fn(Setting) -> Option<Value<'v>>,
    is_elsewhere: impl Fn(Setting) -> bool,
    is_reported: impl Fn(&[&Value<'_>]) -> bool,
) -> Vec<Problem> {
    let Some(endpoint) = value_of(Setting::Endpoint) else { return Vec::new() };
    let Some(cloud) = endpoint.text.and_then(Cloud::of_api_management) else { return Vec::new() };
    let problem = |setting: Setting| {
        let expected = if setting == Setting::Authority { cloud.authority() } else { cloud.token_audience() };
        match value_of(setting).filter(|value| value.text.is_none_or(|text| !text.trim().is_empty())) {
            Some(value) => {
                let other = of_setting(setting, value.text?).filter(|other| *other != cloud)?;
                let message = format!(
                    "Set {}{} to {expected}: the endpoint belongs to {cloud}, and this value to {other}",
                    setting.name(),
                    value.location.described()
                );
                is_reported(&[&endpoint, &value]).then(|| Problem::new(value.location.at(), message))
            }
            None if setting == Setting::TokenAudience && cloud != Cloud::Public && !is_elsewhere(setting) => {
                let message = format!(
                    "Set {}{} to {expected}: the endpoint belongs to {cloud}, and the default audience to {}",
                    setting.name(),
                    endpoint.location.described(),
                    Cloud::Public
                );
                is_reported(&[&endpoint]).then(|| Problem::new(endpoint.location.at(), message))
            }
            None => None,
        }
    };
    OTHERS.into_iter().filter_map(problem).collect()
}

fn of_setting(setting: Setting, text: &str) -> Option<Cloud> {
    if setting == Setting::Authority { Cloud::of_authority(text) } else { Cloud::of_api_management(text) }
}

fn in_config_map(config_map: &ConfigMap, setting: Setting) -> Option<Value<'_>> {
    let (key, text) = config_map.values_of(setting).last()?;
    let location = ValueLocation::ConfigMap { name: config_map.name(), key };
    Some(Value { location, text: Some(text), is_in_config_map: true })
}

fn of_container<'c>(container: &'c GatewayContainer<'_>, setting: Setting) -> Option<Value<'c>> {
    let variable = last_variable(container, |other| other == setting)?;
    let text = match &variable.value {
        EnvValue::Text(text) if !variable.may_be_overridden => Some(text.as_ref()),
        _ => None,
    };
    Some(Value {
        location: ValueLocation::Container(&container.container, variable.index),
        text,
        is_in_config_map: variable.is_reported_at_config_map(setting),
    })
}
