//! The gateway's `ConfigMap`: its settings.

use super::Metadata;
use crate::gateway::json::go_json::{nullable, or_default};
use crate::gateway::well_known::Keys;
use crate::gateway::{EnvValue, Setting};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What is kept of a text in an abridged `ConfigMap`, in bytes. Every setting that is judged is shorter.
const KEPT_BYTES: usize = 1024;

/// What an entry of a map takes in memory beside its texts, in bytes.
const ENTRY_BYTES: usize = 64;

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
    /// The keys whose text in `data` is only its beginning.
    #[serde(skip)]
    cut: BTreeSet<String>,
}

impl ConfigMap {
    /// Its name; empty while the API server has yet to generate one.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// What is worth keeping of a `ConfigMap` that stands beside others: its keys, and the beginning of each text.
    pub fn abridged(name: String, mut data: Keys, binary_keys: impl IntoIterator<Item = String>) -> Self {
        let mut cut = BTreeSet::new();
        for (key, text) in data.iter_mut().filter(|(_, text)| text.len() > KEPT_BYTES) {
            text.truncate(text.floor_char_boundary(KEPT_BYTES));
            text.shrink_to_fit();
            cut.insert(key.clone());
        }
        let binary_data = binary_keys.into_iter().map(|key| (key, String::new())).collect();
        Self { metadata: Metadata { name: Some(name), ..Metadata::default() }, data, binary_data, cut }
    }

    /// About how many bytes it takes in memory.
    pub fn size(&self) -> usize {
        let texts = self.data.iter().chain(&self.binary_data).map(|(key, text)| key.len() + text.len() + ENTRY_BYTES);
        texts.sum::<usize>() + self.cut.iter().map(|key| key.len() + ENTRY_BYTES).sum::<usize>() + self.name().len()
    }

    /// The value of a key, as an environment variable takes it.
    pub(in crate::gateway) fn value(&self, key: &str) -> Option<EnvValue<'_>> {
        self.data.get(key).map(|text| self.known(key, text))
    }

    /// Each key with its value, as an environment variable takes it.
    pub(in crate::gateway) fn values(&self) -> impl Iterator<Item = (&str, EnvValue<'_>)> {
        self.data.iter().map(|(key, text)| (key.as_str(), self.known(key, text)))
    }

    fn known<'a>(&self, key: &str, text: &'a str) -> EnvValue<'a> {
        let text = Cow::Borrowed(text);
        if self.cut.contains(key) { EnvValue::Unknown(text) } else { EnvValue::Text(text) }
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
    pub(in crate::gateway) fn binary_settings(&self) -> impl Iterator<Item = &str> {
        self.binary_data.keys().map(String::as_str).filter(|key| Setting::of(key).is_some())
    }
}
