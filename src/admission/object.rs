//! The object of a request, read where it stands by the kind that stands before it, so that it is gone over once.

use super::request::{GroupVersionKind, Request};
use crate::gateway::reading::Text;
use crate::gateway::{Kind, View};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// A request with its object.
pub(super) struct Read<'a> {
    /// All of it but its subject.
    pub(super) request: Request<'a>,
    pub(super) object: Object<'a>,
}

/// What stands at `object`.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one of it, and a box would be one more allocation for each review"
)]
pub(super) enum Object<'a> {
    /// Nothing, or `null`.
    Missing,
    /// An object of a kind that no rule looks at.
    OfUnknownKind,
    /// An object before its kind, which no API server writes.
    Unread(&'a RawValue),
    /// An object that is looked at.
    Seen(Kind, View),
}

impl Object<'_> {
    pub(super) fn view(self) -> Option<(Kind, View)> {
        match self {
            Self::Seen(kind, view) => Some((kind, view)),
            Self::Missing | Self::OfUnknownKind | Self::Unread(_) => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Read<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadVisitor)
    }
}

struct ReadVisitor;

impl<'de> Visitor<'de> for ReadVisitor {
    type Value = Read<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Read<'de>, A::Error> {
        let mut members = Members { map, kind: None, object: None };
        let mut request = Request::deserialize(MapAccessDeserializer::new(&mut members))?;
        request.kind = members.kind.ok_or_else(|| Error::missing_field(KIND))?;
        let object = match members.object {
            Some(Object::Unread(raw)) => OfKind(&request.kind).deserialize(raw).map_err(Error::custom)?,
            Some(object) => object,
            None => Object::Missing,
        };
        Ok(Read { request, object })
    }
}

const KIND: &str = "kind";
const OBJECT: &str = "object";

/// The members of a request. Kind and object are kept, and all others passed on.
struct Members<'de, A> {
    map: A,
    kind: Option<GroupVersionKind<'de>>,
    object: Option<Object<'de>>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(key)) = self.map.next_key()? {
            match (key.as_ref(), &self.kind, &self.object) {
                (KIND, None, _) => self.kind = Some(self.map.next_value()?),
                (OBJECT, Some(kind), None) => self.object = Some(self.map.next_value_seed(OfKind(kind))?),
                (OBJECT, None, None) => {
                    self.object = Some(self.map.next_value::<Option<_>>()?.map_or(Object::Missing, Object::Unread));
                }
                (KIND, Some(_), _) => return Err(Error::duplicate_field(KIND)),
                (OBJECT, _, Some(_)) => return Err(Error::duplicate_field(OBJECT)),
                (other, ..) => return seed.deserialize(other.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// An object of a kind, or `null`.
struct OfKind<'k>(&'k GroupVersionKind<'k>);

impl<'de> DeserializeSeed<'de> for OfKind<'_> {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OfKind<'_> {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Object<'de>, E> {
        Ok(Object::Missing)
    }

    fn visit_none<E>(self) -> Result<Object<'de>, E> {
        Ok(Object::Missing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        match self.0.known() {
            Some(kind) => Ok(Object::Seen(kind, kind.deserialize(deserializer)?)),
            None => IgnoredAny::deserialize(deserializer).map(|_| Object::OfUnknownKind),
        }
    }
}
