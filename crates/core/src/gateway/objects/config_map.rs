//! `ConfigMap`s and the gateway settings in them.

use super::Metadata;
use crate::gateway::json::go_json::{mapping_or_default, string_map};
use crate::gateway::well_known::StringMap;
use crate::gateway::{EnvValue, Setting};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Longest value, in bytes, that the cache keeps whole. Every valid value of an evaluated setting is shorter.
const CACHED_VALUE_BYTES: usize = 1024;

/// Memory that an entry of a map takes in addition to its key and value, in bytes.
const ENTRY_BYTES: usize = 64;

/// The fields of a `ConfigMap` that rules read.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMap {
    /// Name, labels and annotations.
    #[serde(default, deserialize_with = "mapping_or_default")]
    pub metadata: Metadata,
    /// `data`. Only these entries can become environment variables; those of `binaryData` cannot.
    #[serde(default, deserialize_with = "string_map")]
    pub data: StringMap,
    #[serde(default, deserialize_with = "string_map")]
    binary_data: StringMap,
    /// Keys whose value in `data` is truncated.
    #[serde(skip)]
    truncated: BTreeSet<String>,
}

impl ConfigMap {
    /// `metadata.name`; empty if the API server is yet to generate it.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// A `ConfigMap` reduced to what the cache keeps: all keys, and at most the first 1024 bytes of each value in
    /// `data`. A truncated value counts as unknown after these bytes; values of `binaryData` are not kept.
    pub fn for_cache(name: String, mut data: StringMap, binary_keys: impl IntoIterator<Item = String>) -> Self {
        let mut truncated = BTreeSet::new();
        for (key, text) in data.iter_mut().filter(|(_, text)| text.len() > CACHED_VALUE_BYTES) {
            text.truncate(text.floor_char_boundary(CACHED_VALUE_BYTES));
            text.shrink_to_fit();
            truncated.insert(key.clone());
        }
        let binary_data = binary_keys.into_iter().map(|key| (key, String::new())).collect();
        Self { metadata: Metadata { name: Some(name), ..Metadata::default() }, data, binary_data, truncated }
    }

    /// Its approximate size in memory, in bytes.
    pub fn size(&self) -> usize {
        let texts = self.data.iter().chain(&self.binary_data).map(|(key, text)| key.len() + text.len() + ENTRY_BYTES);
        texts.sum::<usize>()
            + self.truncated.iter().map(|key| key.len() + ENTRY_BYTES).sum::<usize>()
            + self.name().len()
    }

    /// The value of a key in `data`, as an environment variable gets it.
    pub(in crate::gateway) fn value(&self, key: &str) -> Option<EnvValue<'_>> {
        self.data.get(key).map(|text| self.env_value(key, text))
    }

    /// Each key in `data` with its value, as an environment variable gets it.
    pub(in crate::gateway) fn values(&self) -> impl Iterator<Item = (&str, EnvValue<'_>)> {
        self.data.iter().map(|(key, text)| (key.as_str(), self.env_value(key, text)))
    }

    fn env_value<'a>(&self, key: &str, text: &'a str) -> EnvValue<'a> {
        let text = Cow::Borrowed(text);
        if self.truncated.contains(key) { EnvValue::Unknown(text) } else { EnvValue::Text(text) }
    }

    /// Each setting in `data`, in every spelling of its name: the setting, its key and its value.
    pub fn settings(&self) -> impl Iterator<Item = (Setting, &str, &str)> {
        self.data
            .iter()
            .filter_map(|(key, text)| Setting::of(key).map(|setting| (setting, key.as_str(), text.as_str())))
    }

    /// The keys of `data` that set `setting`, with their values. There are several if `data` contains several
    /// spellings.
    pub fn values_of(&self, setting: Setting) -> impl Iterator<Item = (&str, &str)> {
        self.settings().filter(move |(key_setting, ..)| *key_setting == setting).map(|(_, key, text)| (key, text))
    }

    /// Returns true if it sets a nonempty `config.service.endpoint`.
    pub fn has_endpoint(&self) -> bool {
        self.values_of(Setting::Endpoint).any(|(_, text)| !text.trim().is_empty())
    }

    /// Returns true if it sets any `config.service.*`.
    pub fn has_config_service(&self) -> bool {
        self.settings().any(|(setting, ..)| setting.is_config_service())
    }

    /// Returns true if `binaryData` contains exactly this key. Then `data` cannot: Kubernetes allows a key in one of
    /// them only.
    pub fn has_binary(&self, key: &str) -> bool {
        self.binary_data.contains_key(key)
    }

    /// The keys of `binaryData` that are settings. They never become environment variables, but a change of these keys
    /// counts as a change of the `ConfigMap`.
    pub(in crate::gateway) fn binary_settings(&self) -> impl Iterator<Item = &str> {
        self.binary_data.keys().map(String::as_str).filter(|key| Setting::of(key).is_some())
    }
}
