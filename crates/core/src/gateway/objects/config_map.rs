//! `ConfigMap`s and the gateway settings in them.

use super::Metadata;
use crate::gateway::environment::{beginning, is_too_long};
use crate::gateway::json::go_json::{Text, mapping_or_default};
use crate::gateway::setting::key_can_complete_setting;
use crate::gateway::well_known::StringMap;
use crate::gateway::{AuthMethod, EnvValue, ExceededLimit, GatewaySign, Lookup, Setting};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Memory that an entry of a map takes in addition to its key and value, in bytes.
const ENTRY_BYTES: usize = 64;

/// The fields of a `ConfigMap` that rules read: of `data` only the settings, and the keys that an `envFrom[].prefix` can
/// make a setting. So 20,000 other keys cost no more memory than one.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigMap {
    /// Name, labels and annotations.
    #[serde(deserialize_with = "mapping_or_default")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "entries")]
    data: Entries,
    #[serde(deserialize_with = "entries")]
    binary_data: Entries,
    /// All of `data`, where it is known: of the `ConfigMap`s of a folder or a whole cluster, which are read from files.
    #[serde(skip)]
    whole_data: Option<Arc<StringMap>>,
}

/// The entries of `data` or `binaryData` that rules read, and what is known of the others.
#[derive(Clone, Default, PartialEq)]
struct Entries {
    /// The entries by key, at most [`ExceededLimit::SETTINGS`].
    read: BTreeMap<String, Entry>,
    /// The number of other keys.
    others: usize,
    /// Whether there are more settings than [`ExceededLimit::SETTINGS`].
    is_too_many: bool,
    /// How certainly one of them shows a gateway.
    sign: GatewaySign,
}

/// The value of a key.
#[derive(Clone, PartialEq)]
struct Entry {
    /// The setting, if the key is the name of one.
    setting: Option<Setting>,
    /// The value, as [`beginning`] keeps it.
    text: String,
    /// The method that it names, if the key is an auth setting.
    method: Option<AuthMethod>,
}

impl Entries {
    fn add(&mut self, key: &str, text: &str) {
        let setting = Setting::of(key);
        match () {
            () if setting.is_none() && !key_can_complete_setting(key) => self.others += 1,
            () if self.read.len() >= ExceededLimit::SETTINGS.limit && !self.read.contains_key(key) => {
                self.is_too_many = true;
            }
            () => {
                let entry = Entry::of(setting, text);
                self.sign = self.sign.max(entry.sign(setting));
                self.read.insert(key.to_owned(), entry);
            }
        }
    }

    /// The size of its texts in memory, in bytes.
    fn size(&self) -> usize {
        self.read.iter().map(|(key, entry)| key.len() + entry.text.len() + ENTRY_BYTES).sum()
    }
}

impl Entry {
    fn of(setting: Option<Setting>, text: &str) -> Self {
        let text = beginning(text).to_owned();
        let method = setting.and_then(|setting| EnvValue::bounded(&text).method(setting));
        Self { setting, text, method }
    }

    /// How certainly it shows a gateway if its key sets `setting`.
    fn sign(&self, setting: Option<Setting>) -> GatewaySign {
        setting.map_or(GatewaySign::None, |setting| GatewaySign::of(setting, &self.env_value()))
    }

    /// The value as an environment variable gets it.
    fn env_value(&self) -> EnvValue<'_> {
        EnvValue::bounded(&self.text)
    }
}

impl ConfigMap {
    /// `metadata.name`; empty if the API server is yet to generate it.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// A `ConfigMap` as the cache keeps it: with its name, and without the values of `binaryData`.
    pub fn for_cache(name: String, data: StringMap, binary_keys: impl IntoIterator<Item = String>) -> Self {
        let mut config_map = Self { metadata: Metadata { name: Some(name), ..Metadata::default() }, ..Self::default() };
        for (key, text) in data {
            config_map.data.add(&key, &text);
        }
        for key in binary_keys {
            config_map.binary_data.add(&key, "");
        }
        config_map
    }

    /// Its approximate size in memory, in bytes.
    pub fn size(&self) -> usize {
        self.data.size() + self.binary_data.size() + self.name().len()
    }

    /// The same with all of `data`, so that no value is unknown.
    #[must_use]
    pub fn with_whole_data(self, data: StringMap) -> Self {
        Self { whole_data: Some(Arc::new(data)), ..self }
    }

    /// Returns true if it is as the cache keeps it, so that whoever sends a review may not be allowed to read it.
    pub(in crate::gateway) fn is_reduced(&self) -> bool {
        self.whole_data.is_none()
    }

    /// Returns true if it has more settings than are read. Those that are not read can be anything.
    pub fn has_too_many_settings(&self) -> bool {
        self.data.is_too_many
    }

    /// The value of a key in `data`, as an environment variable gets it.
    pub(in crate::gateway) fn value(&self, key: &str) -> Lookup<EnvValue<'_>> {
        let Entries { read, others, is_too_many, .. } = &self.data;
        if let Some(entry) = read.get(key) {
            return Lookup::Found(entry.env_value());
        }
        match &self.whole_data {
            Some(data) => data.get(key).map_or(Lookup::Absent, |text| Lookup::Found(EnvValue::bounded(text))),
            None if *is_too_many => Lookup::Unknown,
            None if *others == 0 || Setting::of(key).is_some() => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }

    /// Each entry of `data` that a rule reads: its key and its value, as an environment variable gets it.
    pub(in crate::gateway) fn values(&self) -> impl Iterator<Item = (&str, EnvValue<'_>)> {
        self.data.read.iter().map(|(key, entry)| (key.as_str(), entry.env_value()))
    }

    /// The number of entries that a rule reads.
    pub(in crate::gateway) fn values_count(&self) -> usize {
        self.data.read.len()
    }

    /// Returns true if a rule can read one of its keys: a setting, or the end of one that a prefix completes.
    pub(in crate::gateway) fn has_read_entries(&self) -> bool {
        self.data.is_too_many || !self.data.read.is_empty() || !self.binary_data.read.is_empty()
    }

    /// Each setting in `data`, in every spelling of its name: the setting, its key and its value, of a value of more than
    /// 1024 bytes a beginning of more than 1024 bytes.
    pub fn settings(&self) -> impl Iterator<Item = (Setting, &str, &str)> {
        let entries = self.data.read.iter();
        entries.filter_map(|(key, entry)| Some((entry.setting?, key.as_str(), entry.text.as_str())))
    }

    /// The keys of `data` that set `setting`, with their values. There are several if `data` contains several
    /// spellings.
    pub fn values_of(&self, setting: Setting) -> impl Iterator<Item = (&str, &str)> {
        self.settings().filter(move |(key_setting, ..)| *key_setting == setting).map(|(_, key, text)| (key, text))
    }

    /// The method that the value of a key in `data` names, if the key is an auth setting.
    pub fn auth_method(&self, key: &str) -> Option<AuthMethod> {
        self.data.read.get(key)?.method
    }

    /// Returns true if it sets a nonempty `config.service.endpoint`.
    pub fn has_endpoint(&self) -> bool {
        self.values_of(Setting::Endpoint).any(|(_, text)| !text.trim().is_empty())
    }

    /// How certainly its settings show that it is a gateway's.
    pub fn sign(&self) -> GatewaySign {
        if self.data.is_too_many { GatewaySign::Certain } else { self.data.sign }
    }

    /// How certainly its settings show that a container is a gateway's that takes it with this `envFrom[].prefix`.
    pub(in crate::gateway) fn sign_with(&self, prefix: &str) -> GatewaySign {
        if prefix.is_empty() || self.data.is_too_many {
            return self.sign();
        }
        let signs = self.data.read.iter().map(|(key, entry)| entry.sign(Setting::behind(prefix, key)));
        signs.max().unwrap_or_default()
    }

    /// Returns true if `binaryData` contains exactly this key, which is a setting. Then `data` cannot: Kubernetes allows
    /// a key in one of them only.
    pub fn has_binary(&self, key: &str) -> bool {
        self.binary_data.read.contains_key(key)
    }

    /// Returns true if it is certain that both have the same entries of those that a rule reads.
    pub(in crate::gateway) fn has_same_settings(&self, other: &Self) -> bool {
        let is_partial = |config_map: &Self| {
            config_map.has_too_many_settings() || config_map.data.read.values().any(|entry| is_too_long(&entry.text))
        };
        // entries of binaryData never become environment variables, but a move from there does
        !is_partial(self)
            && !is_partial(other)
            && self.data.read == other.data.read
            && self.binary_data.read.keys().eq(other.binary_data.read.keys())
    }
}

/// Deserializes `data` or `binaryData`: a `null` map is an empty map, a `null` value is the empty string.
fn entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Entries, D::Error> {
    deserializer.deserialize_option(EntriesVisitor)
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping of strings")
    }

    fn visit_none<E>(self) -> Result<Entries, E> {
        Ok(Entries::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entries, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Entries::default();
        while let Some((Text(key), text)) = map.next_entry::<Text<'_>, Option<Text<'_>>>()? {
            entries.add(&key, text.as_ref().map(|Text(text)| text.as_ref()).unwrap_or_default());
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    /// Longest text that is known as a whole.
    const VALUE_BYTES: usize = 1024;

    fn config_map(entries: impl IntoIterator<Item = (String, String)>) -> ConfigMap {
        ConfigMap::for_cache("orders".to_owned(), entries.into_iter().collect(), [])
    }

    fn of(entries: &[(&str, &str)]) -> ConfigMap {
        config_map(entries.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())))
    }

    /// This many spellings of a setting.
    fn settings(number: usize) -> impl Iterator<Item = (String, String)> {
        let spelling = |index: usize| {
            let letters = "gateway.name".chars().enumerate();
            letters
                .map(|(at, letter)| if index >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter })
                .collect()
        };
        (0..number).map(move |index| (spelling(index), "orders".to_owned()))
    }

    #[test]
    fn only_what_a_rule_reads_is_kept() {
        let other = config_map((0..100).map(|index| (format!("key{index}"), "x".repeat(100))));
        assert_eq!((other.values_count(), other.size()), (0, "orders".len()));
        let map = of(&[("gateway.name", "orders"), ("auth", "a"), ("log.level", "info")]);
        assert_eq!(map.values().map(|(key, _)| key).collect::<Vec<_>>(), ["auth", "gateway.name"]);
        assert_eq!(map.settings().collect::<Vec<_>>(), [(Setting::GatewayName, "gateway.name", "orders")]);
        assert_eq!(map.size(), "auth".len() + 1 + "gateway.name".len() + 2 * "orders".len() + 2 * ENTRY_BYTES);
        let binary = ConfigMap::for_cache(String::new(), StringMap::new(), ["gateway.name".to_owned(), "a".to_owned()]);
        assert!(binary.has_binary("gateway.name") && !binary.has_binary("a") && !map.has_binary("gateway.name"));
        assert_eq!(binary.size(), "gateway.name".len() + ENTRY_BYTES);
    }

    #[test]
    fn a_config_map_with_more_settings_than_are_read_counts_as_a_gateways() {
        let most = ExceededLimit::SETTINGS.limit;
        let full = config_map(settings(most).chain([("log.level".to_owned(), "info".to_owned())]));
        assert!(!full.has_too_many_settings());
        assert_eq!(
            (full.values_count(), full.sign(), full.sign_with("x")),
            (most, GatewaySign::None, GatewaySign::None)
        );
        let larger = config_map(settings(most + 1));
        assert!(larger.has_too_many_settings());
        assert_eq!((larger.values_count(), larger.sign()), (most, GatewaySign::Certain));
        assert_eq!(larger.sign_with("telemetry."), GatewaySign::Certain);
        assert_eq!(larger.value("log.level"), Lookup::Unknown);
        assert_eq!(larger.value("config.service.auth"), Lookup::Unknown);
    }

    #[test]
    fn a_setting_that_is_not_kept_is_absent_and_another_key_is_unknown() {
        let map = of(&[("gateway.name", "orders"), ("log.level", "info")]);
        assert_eq!(map.value("gateway.name"), Lookup::Found(EnvValue::Text("orders".into())));
        assert_eq!(map.value("config.service.auth"), Lookup::Absent);
        assert_eq!(map.value("log.level"), Lookup::Unknown);
        assert_eq!(of(&[("gateway.name", "orders")]).value("log.level"), Lookup::Absent);
        let whole = map.with_whole_data([("log.level".to_owned(), "info".to_owned())].into());
        assert_eq!(whole.value("log.level"), Lookup::Found(EnvValue::Text("info".into())));
        assert_eq!(whole.value("level"), Lookup::Absent);
    }

    #[test]
    fn the_beginning_of_a_long_value_is_kept() {
        let long = format!("{}GatewayKey {}", " ".repeat(VALUE_BYTES), "a".repeat(VALUE_BYTES));
        for (text, is_whole) in [("a".repeat(VALUE_BYTES), true), ("a".repeat(VALUE_BYTES + 1), false), (long, false)] {
            let map = of(&[("config.service.auth", &text)]);
            let (_, value) = map.values().next().unwrap();
            match value {
                EnvValue::Text(kept) => assert!(is_whole && kept == text),
                EnvValue::Unknown(kept) => assert!(!is_whole && kept.len() == VALUE_BYTES + 1),
                EnvValue::Secret(_) => unreachable!(),
            }
        }
    }

    #[test]
    fn a_prefix_makes_settings_of_other_keys() {
        let map = of(&[("auth", "a"), ("gateway.name", "orders")]);
        assert_eq!((map.sign(), map.sign_with("")), (GatewaySign::None, GatewaySign::None));
        assert_eq!(map.sign_with("config.service."), GatewaySign::Certain);
        assert_eq!(map.sign_with("DOTNET_"), GatewaySign::None);
        assert_eq!(of(&[("config.service.auth", "")]).sign_with("x"), GatewaySign::None);
        assert_eq!(of(&[("config.service.auth", "")]).sign_with("DOTNET_"), GatewaySign::Certain);
    }

    #[test]
    fn settings_are_the_same_if_nothing_of_them_is_hidden() {
        let map = || of(&[("gateway.name", "orders")]);
        assert!(map().has_same_settings(&of(&[("gateway.name", "orders"), ("log.level", "info")])));
        assert!(!map().has_same_settings(&of(&[("gateway.name", "payments")])));
        let binary = ["gateway.name", "config.service.auth"]
            .map(|key| ConfigMap::for_cache(String::new(), StringMap::new(), [key.to_owned()]));
        assert!(binary[0].has_same_settings(&binary[0]));
        assert!(!binary[0].has_same_settings(&binary[1]) && !binary[0].has_same_settings(&map()));
        let large = config_map(settings(ExceededLimit::SETTINGS.limit + 1));
        let long = of(&[("gateway.name", &"a".repeat(VALUE_BYTES + 1))]);
        let same_at_first =
            |key: &str| config_map(settings(ExceededLimit::SETTINGS.limit).chain([(key.to_owned(), String::new())]));
        let (most, more) = (same_at_first("log.level"), same_at_first("k8s.ingress.enabled"));
        assert!(most.has_same_settings(&most));
        assert!(!most.has_same_settings(&more) && !more.has_same_settings(&most));
        for partial in [large, long] {
            assert!(!partial.has_same_settings(&partial));
            assert!(!map().has_same_settings(&partial) && !partial.has_same_settings(&map()));
        }
    }

    #[test]
    fn an_endpoint_is_there_if_it_is_not_blank() {
        assert!(of(&[("config.service.endpoint", "a")]).has_endpoint());
        assert!(of(&[("config.service.endpoint", " "), ("CONFIG__SERVICE__ENDPOINT", "a")]).has_endpoint());
        for entries in [&[("config.service.endpoint", " \n")][..], &[("gateway.name", "a")], &[]] {
            assert!(!of(entries).has_endpoint(), "{entries:?}");
        }
    }

    #[test]
    fn null_is_empty_and_a_list_is_an_error() {
        let read = |json: &str| serde_json::from_str::<ConfigMap>(json).map_err(|error| error.to_string());
        for json in [r#"{"data":null}"#, r#"{"data":{},"binaryData":null}"#] {
            assert_eq!(read(json).unwrap().values_count(), 0, "{json}");
        }
        assert_eq!(read(r#"{"data":{"gateway.name":null}}"#).unwrap().settings().next().unwrap().2, "");
        assert!(read(r#"{"data":[]}"#).err().unwrap().contains("expected a mapping of strings"));
    }
}
