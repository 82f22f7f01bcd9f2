//! Deserializes `request.object` in one pass, using the preceding `request.kind`.

use super::request::{GroupVersionKind, Request};
use apim_keyless_core::gateway::json::go_json::Text;
use apim_keyless_core::gateway::{Kind, ObjectView};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// A request and its object.
pub(super) struct RequestWithObject<'a> {
    /// The request, still without its object.
    pub(super) request: Request<'a>,
    pub(super) object: RequestObject<'a>,
}

/// The value of `request.object`.
#[allow(
    clippy::large_enum_variant,
    reason = "only one exists at a time, and a box would add an allocation to each review"
)]
pub(super) enum RequestObject<'a> {
    /// Absent or `null`.
    Missing,
    /// An object of a kind that no rule evaluates: it has no pod template.
    UnevaluatedKind,
    /// An object that precedes `kind`: it is read after `kind`. No API server writes this order.
    Deferred(&'a RawValue),
    /// An object of a kind that rules evaluate.
    Evaluated(Kind, ObjectView),
}

impl RequestObject<'_> {
    pub(super) fn view(self) -> Option<(Kind, ObjectView)> {
        match self {
            Self::Evaluated(kind, view) => Some((kind, view)),
            Self::Missing | Self::UnevaluatedKind | Self::Deferred(_) => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RequestWithObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RequestVisitor)
    }
}

struct RequestVisitor;

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = RequestWithObject<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RequestWithObject<'de>, A::Error> {
        let mut members = RequestMembers { map, kind: None, object: None };
        let mut request = Request::deserialize(MapAccessDeserializer::new(&mut members))?;
        request.kind = members.kind.ok_or_else(|| Error::missing_field(KIND))?;
        let object = match members.object {
            Some(RequestObject::Deferred(raw)) => ObjectSeed(&request.kind).deserialize(raw).map_err(Error::custom)?,
            Some(object) => object,
            None => RequestObject::Missing,
        };
        Ok(RequestWithObject { request, object })
    }
}

const KIND: &str = "kind";
const OBJECT: &str = "object";

/// The members of a request: keeps kind and object, and passes on all others.
struct RequestMembers<'de, A> {
    map: A,
    kind: Option<GroupVersionKind<'de>>,
    object: Option<RequestObject<'de>>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for RequestMembers<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(key)) = self.map.next_key()? {
            match (key.as_ref(), &self.kind, &self.object) {
                (KIND, None, _) => self.kind = Some(self.map.next_value()?),
                (OBJECT, Some(kind), None) => self.object = Some(self.map.next_value_seed(ObjectSeed(kind))?),
                (OBJECT, None, None) => {
                    self.object = Some(
                        self.map.next_value::<Option<_>>()?.map_or(RequestObject::Missing, RequestObject::Deferred),
                    );
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

/// Seed for an object of this kind, or `null`.
struct ObjectSeed<'k>(&'k GroupVersionKind<'k>);

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = RequestObject<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RequestObject<'de>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = RequestObject<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<RequestObject<'de>, E> {
        Ok(RequestObject::Missing)
    }

    fn visit_none<E>(self) -> Result<RequestObject<'de>, E> {
        Ok(RequestObject::Missing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RequestObject<'de>, D::Error> {
        if let Some(kind) = self.0.evaluated_kind() {
            return Ok(RequestObject::Evaluated(kind, kind.deserialize(deserializer)?));
        }
        let json = <&RawValue>::deserialize(deserializer)?;
        let Some(kind) = Kind::by_shape(json.get()) else { return Ok(RequestObject::UnevaluatedKind) };
        Ok(RequestObject::Evaluated(kind, kind.deserialize(json).map_err(Error::custom)?))
    }
}
