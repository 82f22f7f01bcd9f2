//! Reads `apiVersion` and `kind` of an object first, and then the rest of it as that kind.

use super::go_json::Text;
use super::shape_error::{ShapeError, find_shape_error};
use crate::gateway::Kind;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

const API_VERSION: &str = "apiVersion";
const KIND: &str = "kind";

/// `apiVersion` and `kind` of an object. If one is missing, the kind is unknown; that is not an error.
#[derive(Default)]
pub(in crate::gateway) struct TypeMeta<'j> {
    pub(in crate::gateway) api_version: Option<Cow<'j, str>>,
    pub(in crate::gateway) kind: Option<Cow<'j, str>>,
}

impl<'j> TypeMeta<'j> {
    /// Reads an object until `apiVersion` and `kind` identify a kind that rules evaluate. API servers write both first,
    /// so this usually reads only the beginning. [`RootObject`] finds duplicates of the two fields later, when it reads
    /// the rest.
    ///
    /// # Errors
    /// The JSON is not an object, it is malformed before the kind is known, or one of the fields is a duplicate or not
    /// a string.
    pub(in crate::gateway) fn of(json: &'j str) -> Result<Self, ShapeError> {
        let mut found = Self::default();
        let result = found.deserialize(&mut serde_json::Deserializer::from_str(json));
        if result.is_ok() || found.evaluated_kind().is_some() {
            return Ok(found);
        }
        Err(find_shape_error(json, &mut Self::default()))
    }

    /// The kind by the shape of the object `json`, whose two fields these are; `None` if one is missing or empty.
    pub(in crate::gateway) fn kind_by_shape(&self, json: &str) -> Option<Kind> {
        let is_given = |text: &Option<Cow<'_, str>>| text.as_deref().is_some_and(|text| !text.is_empty());
        if is_given(&self.api_version) && is_given(&self.kind) { Kind::by_shape(json) } else { None }
    }

    /// The kind, if rules evaluate it whatever its shape.
    pub(in crate::gateway) fn evaluated_kind(&self) -> Option<Kind> {
        Kind::of(self.api_version.as_deref().unwrap_or_default(), self.kind.as_deref().unwrap_or_default())
    }
}

impl<'de> DeserializeSeed<'de> for &mut TypeMeta<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut TypeMeta<'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while self.evaluated_kind().is_none()
            && let Some(Text(key)) = map.next_key()?
        {
            let (field, name) = match key.as_ref() {
                API_VERSION => (&mut self.api_version, API_VERSION),
                KIND => (&mut self.kind, KIND),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if field.is_some() {
                return Err(Error::duplicate_field(name));
            }
            *field = Some(map.next_value::<Text<'_>>()?.0);
        }
        Ok(())
    }
}

/// Deserializes `T` from an object without its `apiVersion` and `kind`, which [`TypeMeta`] has already read. A
/// duplicate of either is an error.
pub(in crate::gateway) struct RootObject<T>(pub(in crate::gateway) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for RootObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RootObjectVisitor(PhantomData)).map(Self)
    }
}

struct RootObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for RootObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(RemainingMembers { map, seen: [false; 2] }))
    }
}

/// The members of an object except `apiVersion` and `kind`.
struct RemainingMembers<A> {
    map: A,
    seen: [bool; 2],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for RemainingMembers<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let [has_api_version, has_kind] = &mut self.seen;
        while let Some(Text(key)) = self.map.next_key()? {
            let (was_seen, name) = match key.as_ref() {
                API_VERSION => (&mut *has_api_version, API_VERSION),
                KIND => (&mut *has_kind, KIND),
                other => return seed.deserialize(other.into_deserializer()).map(Some),
            };
            if std::mem::replace(was_seen, true) {
                return Err(Error::duplicate_field(name));
            }
            self.map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_after_the_kind_is_not_read() {
        let meta = TypeMeta::of(r#"{"metadata":{},"kind":"Pod","apiVersion":"v1","spec":{"#).unwrap();
        assert_eq!(meta.evaluated_kind(), Some(Kind::Pod));
    }

    #[test]
    fn a_field_may_be_missing_and_errors_name_the_pointer() {
        assert_eq!(TypeMeta::of(r#"{"kind":"Pod"}"#).unwrap().api_version, None);
        for (json, pointer) in [
            (r#"{"kind":7}"#, "/kind"),
            (r#"{"kind":null}"#, "/kind"),
            (r#"{"apiVersion":"v1","kind":"Secret","kind":"Pod"}"#, ""),
            (r#"{"apiVersion":"v1","kind":"Secret","kind":"Event"}"#, ""),
            ("[]", ""),
            (r#"{"a":{"#, "/a"),
        ] {
            assert_eq!(TypeMeta::of(json).err().unwrap().at.as_str(), pointer, "{json}");
        }
    }
}
