//! What tells an object's kind, and the object behind it.

use super::go_json::Text;
use super::shape_error::{ShapeError, fault};
use crate::gateway::Kind;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

const API_VERSION: &str = "apiVersion";
const KIND: &str = "kind";

/// `apiVersion` and `kind`; with one missing the kind is unknown, which is no error.
#[derive(Default)]
pub(in crate::gateway) struct TypeMeta<'j> {
    pub(in crate::gateway) api_version: Option<Cow<'j, str>>,
    pub(in crate::gateway) kind: Option<Cow<'j, str>>,
}

impl<'j> TypeMeta<'j> {
    /// Reads an object up to where its kind is known to be one that we look at: API servers write both first. Whether
    /// they stand there twice is told when the rest is read, as an [`RootObject`].
    ///
    /// # Errors
    /// The JSON is no object, ends before both are known, or has one of them twice or as something else than text.
    pub(in crate::gateway) fn of(json: &'j str) -> Result<Self, ShapeError> {
        let mut found = Self::default();
        let outcome = found.deserialize(&mut serde_json::Deserializer::from_str(json));
        if outcome.is_ok() || found.known().is_some() {
            return Ok(found);
        }
        Err(fault(json, &mut Self::default()))
    }

    /// The kind, if rules look at it.
    pub(in crate::gateway) fn known(&self) -> Option<Kind> {
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
        while self.known().is_none()
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

/// A mapping whose `apiVersion` and `kind` are known already. Neither may stand in it twice.
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

/// The members of an object but `apiVersion` and `kind`.
struct RemainingMembers<A> {
    map: A,
    seen: [bool; 2],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for RemainingMembers<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let [has_api_version, has_kind] = &mut self.seen;
        while let Some(Text(key)) = self.map.next_key()? {
            let (is_there, name) = match key.as_ref() {
                API_VERSION => (&mut *has_api_version, API_VERSION),
                KIND => (&mut *has_kind, KIND),
                other => return seed.deserialize(other.into_deserializer()).map(Some),
            };
            if std::mem::replace(is_there, true) {
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
    fn nothing_is_read_behind_the_kind() {
        let meta = TypeMeta::of(r#"{"metadata":{},"kind":"Pod","apiVersion":"v1","spec":{"#).unwrap();
        assert_eq!(meta.known(), Some(Kind::Pod));
    }

    #[test]
    fn one_may_be_missing_and_a_wrong_one_is_told_by_its_place() {
        assert_eq!(TypeMeta::of(r#"{"kind":"Pod"}"#).unwrap().api_version, None);
        for (json, place) in [
            (r#"{"kind":7}"#, "/kind"),
            (r#"{"kind":null}"#, "/kind"),
            (r#"{"apiVersion":"v1","kind":"Secret","kind":"Pod"}"#, ""),
            (r#"{"apiVersion":"v1","kind":"Secret","kind":"Event"}"#, ""),
            ("[]", ""),
            (r#"{"a":{"#, "/a"),
        ] {
            assert_eq!(TypeMeta::of(json).err().unwrap().at.as_str(), place, "{json}");
        }
    }
}
