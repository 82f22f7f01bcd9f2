//! A value of a gateway's setting, and the place where it has to be fixed.

use super::RuleInput;
use crate::gateway::{AuthMethod, ConfigMap, EnvValue, GatewayContainer, Setting};
use jsonptr::PointerBuf;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One value of a setting. A setting can have several; a later one overrides an earlier one.
pub struct SettingValue<'a> {
    /// The place that sets it.
    pub at: PointerBuf,
    /// The setting.
    pub setting: Setting,
    /// The value.
    pub value: Cow<'a, EnvValue<'a>>,
    /// The `ConfigMap` whose value of the same setting this one overrides, if there is one.
    pub overridden: Option<&'a str>,
}

impl RuleInput<'_> {
    /// Every value of the settings that `is_selected` selects, overridden ones included.
    ///
    /// A value in a `ConfigMap` under the setting's own name is found at the `ConfigMap`, not at the workload.
    pub fn values(&self, is_selected: impl Fn(Setting) -> bool) -> Vec<SettingValue<'_>> {
        let mut values: Vec<SettingValue<'_>> = Vec::new();
        for part in self.authenticating_containers() {
            values.extend(in_container(part, &is_selected));
        }
        let in_config_map = self.config_map().into_iter().flat_map(ConfigMap::settings);
        let of_config_map =
            in_config_map.filter(|(setting, ..)| is_selected(*setting)).map(|(setting, key, text)| SettingValue {
                at: PointerBuf::from_tokens(["data", key]),
                setting,
                value: Cow::Owned(EnvValue::Text(Cow::Borrowed(text))),
                overridden: None,
            });
        values.extend(of_config_map);
        values
    }
}

/// The values that a container sets itself, each with the `ConfigMap` that it overrides.
fn in_container<'p>(part: &'p GatewayContainer<'_>, is_selected: impl Fn(Setting) -> bool) -> Vec<SettingValue<'p>> {
    let (mut values, mut overridden) = (Vec::new(), BTreeMap::new());
    for (setting, variable) in part.environment.settings().filter(|(setting, _)| is_selected(*setting)) {
        if !variable.is_reported_at_config_map(setting) {
            let (at, value) = (part.container.entry_pointer(variable.index), Cow::Borrowed(&variable.value));
            values.push(SettingValue { at, setting, value, overridden: overridden.get(&setting).copied() });
        }
        overridden.extend(variable.config_map_with_setting().map(|name| (setting, name)));
    }
    values
}

impl<'a> RuleInput<'a> {
    /// The key under which `setting` has to be added, if the object is a gateway's main `ConfigMap` and lacks it.
    ///
    /// It lacks the setting if it has no value for it except those that `is_missing` accepts. It does not lack it if
    /// all gateways that take the `ConfigMap` have another source of the setting. The key of an empty value is kept,
    /// however it is spelled.
    pub fn key_of_missing(&self, setting: Setting, is_missing: impl Fn(&str) -> bool) -> Option<&'a str> {
        let config_map = self.config_map().filter(|config_map| self.is_main(config_map))?;
        let mut texts = config_map.values_of(setting).peekable();
        let key = texts.peek().map_or(setting.name(), |(key, _)| key);
        let is_set = texts.any(|(_, text)| !is_missing(text));
        (!is_set && !self.related.is_supplied_elsewhere(setting, config_map.name())).then_some(key)
    }
}

impl SettingValue<'_> {
    /// The setting's name for a message, with the `ConfigMap` that is overridden.
    pub fn named(&self) -> String {
        let name = self.setting.name();
        self.overridden.map_or_else(|| name.to_owned(), |over| format!("{name} (it overrides ConfigMap \"{over}\")"))
    }

    /// The text of the value, if it is known.
    pub fn text(&self) -> Option<&str> {
        match self.value.as_ref() {
            EnvValue::Text(text) => Some(text),
            EnvValue::Key(_) | EnvValue::Unknown(_) => None,
        }
    }

    /// The method that a value of [`Setting::Auth`] or [`Setting::AuthKey`] names, as far as its text is known.
    pub fn method(&self) -> Option<AuthMethod> {
        match self.value.as_ref() {
            EnvValue::Text(text) => Some(AuthMethod::of(self.setting, text)),
            // only an auth key can be recognized by its beginning alone
            EnvValue::Unknown(beginning) => {
                Some(AuthMethod::of(self.setting, beginning)).filter(|method| *method == AuthMethod::Key)
            }
            EnvValue::Key(_) => None,
        }
    }
}
