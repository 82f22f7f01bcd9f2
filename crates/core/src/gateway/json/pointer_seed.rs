//! Deserializes the value at one JSON pointer without building the rest of the object.

use super::go_json::Text;
use jsonptr::Pointer;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

/// The unchanged JSON text of the value at `pointer`; `None` if there is no such value.
///
/// The pointer walks through objects only, not into lists.
pub fn text_at<'j>(json: &'j str, pointer: &Pointer) -> Option<&'j str> {
    read_at(json, pointer, PhantomData::<&RawValue>).map(RawValue::get)
}

/// Deserializes the value at `pointer` with `seed`; `None` if there is no such value or `seed` fails. JSON after the
/// value is not read.
pub(in crate::gateway) fn read_at<'j, S: DeserializeSeed<'j>>(
    json: &'j str,
    pointer: &Pointer,
    seed: S,
) -> Option<S::Value> {
    let mut found = None;
    let walk = PointerSeed { pointer, seed, found: &mut found };
    // The seed stops the parser with an error once the value is found, so only `found` counts.
    _ = walk.deserialize(&mut serde_json::Deserializer::from_str(json)).is_ok();
    found
}

/// Seed that walks to `pointer`, deserializes the value there with `seed`, and stores it in `found`.
struct PointerSeed<'w, S, V> {
    pointer: &'w Pointer,
    seed: S,
    found: &'w mut Option<V>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for PointerSeed<'_, S, S::Value> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let Some((token, pointer)) = self.pointer.split_front() {
            return deserializer
                .deserialize_map(MemberVisitor { name: &token.decoded(), walk: PointerSeed { pointer, ..self } });
        }
        *self.found = Some(self.seed.deserialize(deserializer)?);
        Err(D::Error::custom("found"))
    }
}

/// Visits an object, skips its members up to `name`, and continues the walk in that member.
struct MemberVisitor<'w, S, V> {
    name: &'w str,
    walk: PointerSeed<'w, S, V>,
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for MemberVisitor<'_, S, S::Value> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if key == self.name {
                return map.next_value_seed(self.walk);
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
    fn returns_the_unchanged_text_at_a_pointer() {
        let object = r#"{"a":{"b":[{"c":1},[3]]},"h":1.5}"#;
        let at = |pointer| text_at(object, Pointer::parse(pointer).unwrap());
        assert_eq!(at(""), Some(object));
        assert_eq!(at("/a/b"), Some(r#"[{"c":1},[3]]"#));
        assert_eq!((at("/a/none"), at("/h/i"), at("/a/b/0")), (None, None, None));
    }
}
