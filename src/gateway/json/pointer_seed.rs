//! What stands at one place of an object, read out of its JSON without building the rest.

use super::go_json::Text;
use jsonptr::Pointer;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

/// The JSON that stands at a place, as it is written.
pub(crate) fn text_at<'j>(json: &'j str, place: &Pointer) -> Option<&'j str> {
    read_at(json, place, PhantomData::<&RawValue>).map(RawValue::get)
}

/// What is read at a place; `None` if nothing stands there, or something else. What stands behind it is not read.
pub(in crate::gateway) fn read_at<'j, S: DeserializeSeed<'j>>(
    json: &'j str,
    place: &Pointer,
    seed: S,
) -> Option<S::Value> {
    let mut found = None;
    let way = PointerSeed { place, seed, found: &mut found };
    // it ends with an error wherever it ends early
    _ = way.deserialize(&mut serde_json::Deserializer::from_str(json)).is_ok();
    found
}

/// Where it goes on to one place, what is read there, and where that is put.
struct PointerSeed<'w, S, V> {
    place: &'w Pointer,
    seed: S,
    found: &'w mut Option<V>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for PointerSeed<'_, S, S::Value> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let Some((token, place)) = self.place.split_front() {
            return deserializer
                .deserialize_map(MemberVisitor { name: &token.decoded(), way: PointerSeed { place, ..self } });
        }
        *self.found = Some(self.seed.deserialize(deserializer)?);
        Err(D::Error::custom("found"))
    }
}

/// The member of an object that it goes on in.
struct MemberVisitor<'w, S, V> {
    name: &'w str,
    way: PointerSeed<'w, S, V>,
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for MemberVisitor<'_, S, S::Value> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if key == self.name {
                return map.next_value_seed(self.way);
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_as_it_is_written() {
        let object = r#"{"a":{"b":[{"c":1},[3]]},"h":1.5}"#;
        let at = |place| text_at(object, Pointer::parse(place).unwrap());
        assert_eq!(at(""), Some(object));
        assert_eq!(at("/a/b"), Some(r#"[{"c":1},[3]]"#));
        assert_eq!((at("/a/none"), at("/h/i"), at("/a/b/0")), (None, None, None));
    }
}
