//! Serde helpers that decode as Go's `encoding/json` does, where serde by default is stricter or more lenient.

use crate::gateway::well_known::is_evaluated_key;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
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

/// Deserializes a list of mappings; `null` is an empty list. Of a list with more than `LIMIT` elements, the first
/// `LIMIT + 1` are kept, which shows that it is too long.
pub(in crate::gateway) fn list<'de, const LIMIT: usize, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list: Vec<StrictMap<T>> = deserializer.deserialize_option(ListVisitor::<_, LIMIT>(PhantomData))?;
    Ok(list.into_iter().map(|mapping| mapping.0).collect())
}

/// Deserializes a string; `null` is the empty string.
pub(in crate::gateway) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Deserializes a list of strings: a `null` list is an empty list, a `null` element is the empty string. `LIMIT` is that
/// of [`list`].
pub(in crate::gateway) fn texts<'de, const LIMIT: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let texts: Vec<Option<String>> = deserializer.deserialize_option(ListVisitor::<_, LIMIT>(PhantomData))?;
    Ok(texts.into_iter().map(Option::unwrap_or_default).collect())
}

/// Keeps the first `LIMIT + 1` elements of a list. Each element takes up to a hundred times the bytes of its JSON, so a
/// list without a limit could fill the memory.
struct ListVisitor<T, const LIMIT: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for ListVisitor<T, LIMIT> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() <= LIMIT {
                elements.push(element);
            }
        }
        Ok(elements)
    }
}

/// Most entries of labels, annotations or a selector that no rule reads by name and that are read nevertheless. An entry
/// takes up to 20 times the bytes of its JSON.
const ENTRIES: usize = 4096;

/// Deserializes a map of strings: a `null` map is an empty map, a `null` value is the empty string.
pub(in crate::gateway) fn string_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_option(StringMapVisitor { is_read: |_, _| true })
}

/// Deserializes labels, annotations or a selector like a [`string_map`], but of a map with very many entries only the
/// first ones, and those that a rule reads by name.
pub(in crate::gateway) fn bounded_string_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_option(StringMapVisitor { is_read: |key, read| read < ENTRIES || is_evaluated_key(key) })
}

struct StringMapVisitor {
    /// Returns whether a key is read, by the number of entries that were read before.
    is_read: fn(&str, usize) -> bool,
}

impl<'de> Visitor<'de> for StringMapVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping of strings")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut strings = BTreeMap::new();
        while let Some((Text(key), text)) = map.next_entry::<Text<'_>, Option<Text<'_>>>()? {
            if (self.is_read)(&key, strings.len()) {
                let text = text.map(|Text(text)| text.into_owned()).unwrap_or_default();
                strings.insert(key.into_owned(), text);
            }
        }
        Ok(strings)
    }
}
