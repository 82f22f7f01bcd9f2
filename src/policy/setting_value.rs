//! A value that a gateway's setting is given, and where it is to be mended.

use super::RuleInput;
use crate::gateway::{AuthMethod, ConfigMap, EnvValue, GatewayContainer, Setting};
use jsonptr::PointerBuf;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A value of a setting, overridden ones included.
pub struct SettingValue<'a> {
    /// Where it is set.
    pub at: PointerBuf,
    /// Which setting it is.
    pub setting: Setting,
    /// What it is.
    pub value: Cow<'a, EnvValue<'a>>,
    /// The `ConfigMap` whose value of the same setting it overrides, if it does.
    pub overridden: Option<&'a str>,
}

impl RuleInput<'_> {
    /// Every value of the settings that `is_asked` names, each where it is to be mended: what stands in a `ConfigMap` under
    /// the setting's own name is there the `ConfigMap`'s.
    pub fn values(&self, is_asked: impl Fn(Setting) -> bool) -> Vec<SettingValue<'_>> {
        let mut values: Vec<SettingValue<'_>> = Vec::new();
        for part in self.authenticating_containers() {
            values.extend(in_container(part, &is_asked));
        }
        let in_config_map = self.config_map().into_iter().flat_map(ConfigMap::settings);
        let of_config_map =
            in_config_map.filter(|(setting, ..)| is_asked(*setting)).map(|(setting, key, text)| SettingValue {
                at: PointerBuf::from_tokens(["data", key]),
                setting,
                value: Cow::Owned(EnvValue::Text(Cow::Borrowed(text))),
                overridden: None,
            });
        values.extend(of_config_map);
        values
    }
}

/// What a container sets itself, and what of a `ConfigMap` it overrides by that.
fn in_container<'p>(part: &'p GatewayContainer<'_>, is_asked: impl Fn(Setting) -> bool) -> Vec<SettingValue<'p>> {
    let (mut values, mut overridden) = (Vec::new(), BTreeMap::new());
    for (setting, variable) in part.environment.settings().filter(|(setting, _)| is_asked(*setting)) {
        if !variable.is_said_at_config_map(setting) {
            let (at, value) = (part.container.place_of(variable.index), Cow::Borrowed(&variable.value));
            values.push(SettingValue { at, setting, value, overridden: overridden.get(&setting).copied() });
        }
        overridden.extend(variable.config_map_with_setting().map(|name| (setting, name)));
    }
    values
}

impl<'a> RuleInput<'a> {
    /// The key by which the subject, if it is a gateway's main `ConfigMap`, is to be given a setting that it lacks.
    ///
    /// It lacks one if no key has a text of it but such as `is_missing`, and not every gateway that takes it has the
    /// setting from elsewhere. An empty text is mended where it stands, however its key is spelt.
    pub fn key_of_missing(&self, setting: Setting, is_missing: impl Fn(&str) -> bool) -> Option<&'a str> {
        let config_map = self.config_map().filter(|config_map| self.is_main(config_map))?;
        let mut texts = config_map.texts_of(setting).peekable();
        let key = texts.peek().map_or(setting.name(), |(key, _)| key);
        let is_told = texts.any(|(_, text)| !is_missing(text));
        (!is_told && !self.related.is_supplied_elsewhere(setting, config_map.name())).then_some(key)
    }
}

impl SettingValue<'_> {
    /// The setting's name, and what is overridden, for the beginning of a sentence.
    pub fn named(&self) -> String {
        let name = self.setting.name();
        self.overridden
            .map_or_else(|| name.to_owned(), |over| format!("{name}, which overrides ConfigMap \"{over}\" here,"))
    }

    /// Its text, if it can be seen.
    pub fn text(&self) -> Option<&str> {
        match self.value.as_ref() {
            EnvValue::Text(text) => Some(text),
            EnvValue::Key(_) | EnvValue::Unknown(_) => None,
        }
    }

    /// How a value of [`Setting::Auth`] or [`Setting::AuthKey`] is read, as far as there is a text to be seen.
    pub fn method(&self) -> Option<AuthMethod> {
        match self.value.as_ref() {
            EnvValue::Text(text) => Some(AuthMethod::of(self.setting, text)),
            // of a text that is only known by its beginning, a key can be told and nothing else
            EnvValue::Unknown(beginning) => {
                Some(AuthMethod::of(self.setting, beginning)).filter(|method| *method == AuthMethod::Key)
            }
            EnvValue::Key(_) => None,
        }
    }
}
