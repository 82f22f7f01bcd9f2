//! Serde helpers that decode as Go's `encoding/json` does, where serde by default is stricter or more lenient.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Deserializes `T` from a mapping only. Serde's derived types also accept a list: its elements, in order, as the
/// fields.
pub struct StrictMap<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StrictMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StrictMapVisitor(PhantomData)).map(Self)
    }
}

struct StrictMapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for StrictMapVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A string that is borrowed from the JSON, unless it contains escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Deserializes a mapping; `null` is the default value, as if the field were absent.
pub(in crate::gateway) fn mapping_or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<StrictMap<T>>::deserialize(deserializer)?.map(|mapping| mapping.0).unwrap_or_default())
}

/// Deserializes an optional mapping; `null` is `None`.
pub(in crate::gateway) fn mapping<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<StrictMap<T>>::deserialize(deserializer)?.map(|mapping| mapping.0))
}

/// Deserializes a list of mappings; `null` is an empty list.
pub(in crate::gateway) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list = Option::<Vec<StrictMap<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(list.into_iter().map(|mapping| mapping.0).collect())
}

/// Deserializes a string; `null` is the empty string.
pub(in crate::gateway) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Deserializes a list of strings: a `null` list is an empty list, a `null` element is the empty string.
pub(in crate::gateway) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Option::<Vec<Option<String>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(texts.into_iter().map(Option::unwrap_or_default).collect())
}

/// Deserializes a map of strings: a `null` map is an empty map, a `null` value is the empty string.
pub(in crate::gateway) fn string_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_option(StringMapVisitor)
}

struct StringMapVisitor;

impl<'de> Visitor<'de> for StringMapVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping of strings")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut strings = BTreeMap::new();
        while let Some((key, text)) = map.next_entry::<String, Option<String>>()? {
            strings.insert(key, text.unwrap_or_default());
        }
        Ok(strings)
    }
}
