//! The gateway's `ConfigMap`: its settings.

use super::reading::{nullable, or_default};
use super::well_known::Keys;
use super::{Metadata, Setting};
use serde::Deserialize;

/// What rules read of a `ConfigMap`.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMap {
    /// Name, labels and annotations.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// Its texts. What becomes an environment variable comes from here alone.
    #[serde(default, deserialize_with = "nullable")]
    pub data: Keys,
    #[serde(default, deserialize_with = "nullable")]
    binary_data: Keys,
}

impl ConfigMap {
    /// Its name; empty while the API server has yet to generate one.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Each key that stands for a setting, however it is spelt, with its text.
    pub fn settings(&self) -> impl Iterator<Item = (Setting, &str, &str)> {
        self.data
            .iter()
            .filter_map(|(key, text)| Setting::of(key).map(|setting| (setting, key.as_str(), text.as_str())))
    }

    /// The keys for one setting, with their texts; more than one if it is spelt in several ways.
    pub fn texts_of(&self, setting: Setting) -> impl Iterator<Item = (&str, &str)> {
        self.settings().filter(move |(of, ..)| *of == setting).map(|(_, key, text)| (key, text))
    }

    /// Does it tell where the gateway's configuration is?
    pub fn has_endpoint(&self) -> bool {
        self.texts_of(Setting::Endpoint).any(|(_, text)| !text.trim().is_empty())
    }

    /// Does it hold any `config.service.*`?
    pub fn has_config_service(&self) -> bool {
        self.settings().any(|(setting, ..)| setting.is_config_service())
    }

    /// Does `binaryData` hold this very key? Then `data` may not.
    pub fn has_binary(&self, key: &str) -> bool {
        self.binary_data.contains_key(key)
    }

    /// The keys of `binaryData` that are settings: they become no environment variable, but a change of them is looked at.
    pub(super) fn binary_settings(&self) -> impl Iterator<Item = &str> {
        self.binary_data.keys().map(String::as_str).filter(|key| Setting::of(key).is_some())
    }
}
