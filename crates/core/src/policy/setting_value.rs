//! A value of a gateway's setting, and the JSON pointer at which it has to be fixed.

use super::{Problem, RuleInput};
use crate::gateway::{
    AuthMethod, Coverage, EnvIndex, EnvValue, GatewayContainer, Kind, Setting, Variable, WORKLOAD_IDENTITY,
};
use jsonptr::PointerBuf;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One value of a setting. A setting can have several; a later one overrides an earlier one.
pub struct SettingValue<'a> {
    /// JSON pointer to the value.
    pub at: PointerBuf,
    /// The same location, for a message.
    location: ValueLocation<'a>,
    /// The setting.
    pub setting: Setting,
    /// The value.
    pub value: Cow<'a, EnvValue<'a>>,
    /// The `ConfigMap` whose value of the same setting this one overrides, if there is one.
    pub overridden: Option<&'a str>,
    /// True if the object itself contains the whole value; see [`Variable::is_written`].
    pub is_written: bool,
    /// The `ConfigMap` in which the value was found under the setting's own name, if it is not the object itself.
    pub found_in: Option<&'a str>,
    /// True if a known part of the value is an auth key; see [`Variable::has_auth_key`].
    has_auth_key: bool,
}

/// The location of a value, for a message.
#[derive(Clone, Copy)]
enum ValueLocation<'a> {
    /// A `ConfigMap`, by name.
    ConfigMap(&'a str),
    /// The environment of a container.
    Container { container: &'a str, variable: &'a str, config_map: Option<&'a str> },
}

impl RuleInput<'_> {
    /// Every value of the settings that `is_selected` selects, overridden ones included.
    ///
    /// A value in a `ConfigMap` under the setting's own name is found at the `ConfigMap`, not at the workload.
    pub fn values(&self, is_selected: impl Fn(Setting) -> bool) -> Vec<SettingValue<'_>> {
        self.collect_values(is_selected, false)
    }

    /// The same, and at a workload also what its `ConfigMap`s hold under the setting's own name, where they are known from
    /// a cluster: they may have been written before the namespace was enforced. Among files such a value is reported
    /// once, at the `ConfigMap`.
    pub fn values_with_found(&self, is_selected: impl Fn(Setting) -> bool) -> Vec<SettingValue<'_>> {
        self.collect_values(is_selected, self.related.coverage != Coverage::Given)
    }

    fn collect_values(&self, is_selected: impl Fn(Setting) -> bool, with_found: bool) -> Vec<SettingValue<'_>> {
        let mut values: Vec<SettingValue<'_>> = Vec::new();
        for container in self.authenticating_containers() {
            values.extend(in_container(container, with_found, &is_selected));
        }
        let Some(config_map) = self.config_map() else { return values };
        let selected = config_map.settings().filter(|(setting, ..)| is_selected(*setting));
        values.extend(selected.map(|(setting, key, text)| SettingValue {
            at: PointerBuf::from_tokens(["data", key]),
            location: ValueLocation::ConfigMap(config_map.name()),
            setting,
            value: Cow::Owned(EnvValue::Text(Cow::Borrowed(text))),
            overridden: None,
            is_written: true,
            found_in: None,
            has_auth_key: false,
        }));
        values
    }
}

/// The values that a container sets itself, each with the `ConfigMap` that it overrides.
fn in_container<'c>(
    gateway_container: &'c GatewayContainer<'_>,
    with_found: bool,
    is_selected: impl Fn(Setting) -> bool,
) -> Vec<SettingValue<'c>> {
    let (mut values, mut overridden) = (Vec::new(), BTreeMap::new());
    for (setting, variable) in gateway_container.environment.settings().filter(|(setting, _)| is_selected(*setting)) {
        let found_in = variable.config_map().filter(|_| variable.is_reported_at_config_map(setting));
        if found_in.is_none() || (with_found && variable.is_found()) {
            let (at, value) =
                (gateway_container.container.entry_pointer(variable.index), Cow::Borrowed(&variable.value));
            let location = ValueLocation::of(gateway_container, variable);
            values.push(SettingValue {
                at,
                location,
                setting,
                value,
                overridden: overridden.get(&setting).copied(),
                is_written: variable.is_written || found_in.is_some(),
                found_in,
                has_auth_key: variable.has_auth_key,
            });
        }
        overridden.extend(variable.config_map_with_setting().map(|name| (setting, name)));
    }
    values
}

impl<'a> RuleInput<'a> {
    /// The key under which `setting` has to be added, if the object is a gateway's main `ConfigMap` and lacks it.
    ///
    /// `None` if a value is set, or if every gateway of this `ConfigMap` gets the setting from another source. A value
    /// for which `is_missing` returns true does not count as set; its key is returned, however it is spelled.
    pub fn missing_setting_key(&self, setting: Setting, is_missing: impl Fn(&str) -> bool) -> Option<&'a str> {
        let config_map = self.config_map().filter(|config_map| self.is_main_config_map(config_map))?;
        let mut texts = config_map.values_of(setting).peekable();
        let key = texts.peek().map_or(setting.name(), |(key, _)| key);
        let is_set = texts.any(|(_, text)| !is_missing(text));
        (!is_set && !self.related.is_supplied_elsewhere(setting, config_map.name())).then_some(key)
    }
}

impl<'a> ValueLocation<'a> {
    fn of(gateway_container: &'a GatewayContainer<'_>, variable: &'a Variable<'_>) -> Self {
        let config_map = match variable.index {
            EnvIndex::Env(_) => None,
            EnvIndex::EnvFrom(_) => variable.config_map(),
        };
        Self::Container { container: gateway_container.container.name, variable: &variable.name, config_map }
    }
}

impl SettingValue<'_> {
    /// The setting's name and its location, for a message: `config.service.auth in ConfigMap "orders-env"`, or
    /// `env config.service.auth of container "orders"`.
    pub fn named(&self) -> String {
        match self.location {
            ValueLocation::ConfigMap(name) => format!("{} in ConfigMap \"{name}\"", self.setting.name()),
            ValueLocation::Container { container, variable, config_map: None } => {
                format!("env {variable} of container \"{container}\"")
            }
            ValueLocation::Container { container, variable, config_map: Some(name) } => {
                format!("{variable}, which envFrom of container \"{container}\" takes from ConfigMap \"{name}\",")
            }
        }
    }

    /// The end of a message about a value that overrides a `ConfigMap`, such as ` and overrides ConfigMap "orders-env"`.
    pub fn overrides(&self) -> String {
        self.overridden.map(|name| format!(" and overrides ConfigMap \"{name}\"")).unwrap_or_default()
    }

    /// The `ConfigMap` in which to set the setting instead, for a message: the only one that the container takes by
    /// `envFrom`.
    pub fn target_config_map(&self, input: &RuleInput<'_>) -> String {
        let ValueLocation::Container { container, .. } = self.location else { return "the same ConfigMap".to_owned() };
        let mut gateway_container =
            input.authenticating_containers().filter(|gateway_container| gateway_container.container.name == container);
        let sources =
            gateway_container.next().map(|gateway_container| gateway_container.container.env_from).unwrap_or_default();
        let mut names = sources.iter().filter_map(|source| source.config_map_ref.as_ref());
        match (names.next(), names.next()) {
            (Some(only), None) => format!("ConfigMap \"{}\"", only.name),
            _ => "the gateway's ConfigMap".to_owned(),
        }
    }

    /// A problem of the value; if it was found in a `ConfigMap`, the message names it instead of `message`.
    pub fn problem(self, message: String, found: &str) -> Problem {
        match self.found_in {
            None => Problem::new(self.at, message),
            Some(name) => {
                let name_of_setting = self.setting.name();
                let message =
                    format!("Set {name_of_setting} to {WORKLOAD_IDENTITY} in ConfigMap \"{name}\" first: {found}");
                Problem::new(self.at, message).found_in(Kind::ConfigMap, name)
            }
        }
    }

    /// The text of the value, if it is known.
    pub fn text(&self) -> Option<&str> {
        match self.value.as_ref() {
            EnvValue::Text(text) => Some(text),
            EnvValue::Secret(_) | EnvValue::Unknown(_) => None,
        }
    }

    /// The method that a value of [`Setting::Auth`] or [`Setting::AuthKey`] names. `None` if the value is not written in
    /// the object itself, unless a part of it is known to be an auth key.
    pub fn method(&self) -> Option<AuthMethod> {
        let (EnvValue::Text(text) | EnvValue::Unknown(text)) = self.value.as_ref() else { return None };
        let method = AuthMethod::of(self.setting, text);
        match method {
            _ if self.has_auth_key => Some(AuthMethod::Key),
            // only an auth key can be recognized by its beginning alone, and whatever its source is
            AuthMethod::Key => Some(method),
            _ => Some(method).filter(|_| !self.is_indirect()),
        }
    }

    /// Whether the value is not written where it is read: a reference to another source, or text with such a reference.
    pub fn is_indirect(&self) -> bool {
        match self.value.as_ref() {
            _ if self.found_in.is_some() => false,
            EnvValue::Text(_) => !self.is_written,
            EnvValue::Unknown(_) => true,
            EnvValue::Secret(_) => false,
        }
    }
}
