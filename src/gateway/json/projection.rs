//! An object with nothing but what leads to some places of it.

use super::go_json::Text;
use super::pointer_seed::read_at;
use jsonptr::{Pointer, Token};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The object that stands at `object`, with nothing but what leads to `places` of it.
///
/// What stands at a place itself is there: a text, number or flag as it is, an object without members, a list of `null`s.
/// What stands behind the last of them is not read.
pub(super) fn project<'p>(
    json: &str,
    object: &Pointer,
    places: impl IntoIterator<Item = &'p Pointer>,
) -> Option<Value> {
    let ways = PathTrie::to(places);
    let mut drawn = None;
    let project = ProjectionSeed { ways: &ways, left: &mut ways.ends(), drawn: &mut drawn };
    read_at(json, object, project);
    drawn
}

/// Where it goes on from a place, by member or index: tokens as pointers write them, in order.
#[derive(Default)]
struct PathTrie<'p>(Vec<(&'p str, PathTrie<'p>)>);

impl<'p> PathTrie<'p> {
    fn to(places: impl IntoIterator<Item = &'p Pointer>) -> Self {
        let mut places: Vec<&str> = places.into_iter().map(Pointer::as_str).collect();
        places.sort_unstable_by(|one, other| one.split('/').cmp(other.split('/')));
        let mut ways = Self::default();
        for place in places {
            _ = place.split('/').skip(1).try_fold(&mut ways, Self::towards);
        }
        ways
    }

    /// The way by `token`, which is the last one or comes behind it.
    fn towards(&mut self, token: &'p str) -> Option<&mut Self> {
        if self.0.last().is_none_or(|(last, _)| *last != token) {
            self.0.push((token, Self::default()));
        }
        self.0.last_mut().map(|(_, way)| way)
    }

    fn by(&self, key: &str) -> Option<&Self> {
        let token = Token::new(key);
        let index = self.0.binary_search_by(|(of_way, _)| (*of_way).cmp(token.encoded())).ok()?;
        self.0.get(index).map(|(_, way)| way)
    }

    /// In how many places they end.
    fn ends(&self) -> usize {
        self.0.iter().map(|(_, way)| way.ends()).sum::<usize>().max(1)
    }
}

/// What is drawn of one place.
struct ProjectionSeed<'s, 'p> {
    ways: &'s PathTrie<'p>,
    /// Ends of the whole sketch that have not been met, these included.
    left: &'s mut usize,
    drawn: &'s mut Option<Value>,
}

impl<'de> DeserializeSeed<'de> for ProjectionSeed<'_, '_> {
    type Value = ();

    /// An error says that nothing is left to be drawn.
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { ways, left, drawn } = self;
        let left_then = left.saturating_sub(ways.ends());
        deserializer.deserialize_any(ProjectionSeed { ways, left: &mut *left, drawn })?;
        *left = left_then;
        if left_then == 0 { Err(D::Error::custom("drawn")) } else { Ok(()) }
    }
}

impl ProjectionSeed<'_, '_> {
    fn write(self, value: impl Into<Value>) {
        *self.drawn = Some(value.into());
    }
}

impl<'de> Visitor<'de> for ProjectionSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut members = Map::new();
        let mut end = Ok(());
        while end.is_ok()
            && let Some(Text(key)) = map.next_key()?
        {
            let Some(ways) = self.ways.by(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let mut drawn = None;
            end = map.next_value_seed(ProjectionSeed { ways, left: &mut *self.left, drawn: &mut drawn });
            members.extend(drawn.map(|value| (key.into_owned(), value)));
        }
        self.write(members);
        end
    }

    /// A list is read to its end, as what is appended comes behind all of it.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let indices = self.ways.0.iter().filter_map(|(token, way)| Some((token.parse::<usize>().ok()?, way)));
        let ways: BTreeMap<usize, &PathTrie<'_>> = indices.collect();
        let (mut elements, mut endless) = (Vec::new(), usize::MAX);
        loop {
            let mut drawn = None;
            let element = match ways.get(&elements.len()) {
                Some(ways) => list.next_element_seed(ProjectionSeed { ways, left: &mut endless, drawn: &mut drawn })?,
                None => list.next_element::<IgnoredAny>()?.map(drop),
            };
            match element {
                Some(()) => elements.push(drawn.unwrap_or_default()),
                None => break,
            }
        }
        self.write(elements);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.write(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.write(flag);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.write(number);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.write(number);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.write(number);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.write(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OBJECT: &str =
        r#"{"a":{"b":[{"c":1,"d":"x"},{"c":2},[3]],"e":null,"f~/g":true},"h":1.5,"\u0069":"last","i":"kept"}"#;

    fn sketched(places: &[&str]) -> Value {
        project(OBJECT, Pointer::root(), places.iter().map(|place| Pointer::parse(*place).unwrap())).unwrap()
    }

    #[test]
    fn only_what_leads_to_a_place_is_read() {
        assert_eq!(sketched(&[]), json!({}));
        assert_eq!(sketched(&["/a/b/0/d"]), json!({"a": {"b": [{"d": "x"}, null, null]}}));
        assert_eq!(sketched(&["/a/b", "/a/e"]), json!({"a": {"b": [null, null, null], "e": null}}));
        assert_eq!(sketched(&["/a/b/1/new", "/a/b/7"]), json!({"a": {"b": [null, {}, null]}}));
        assert_eq!(sketched(&["/a/b", "/a/b/0/c"]), json!({"a": {"b": [{"c": 1}, null, null]}}));
        assert_eq!(
            sketched(&["/a/b/0", "/a/b/0/d", "/h/none"]),
            json!({"a": {"b": [{"d": "x"}, null, null]}, "h": 1.5})
        );
        assert_eq!(sketched(&["/a/f~0~1g", "/h"]), json!({"a": {"f~/g": true}, "h": 1.5}));
        assert_eq!(sketched(&["/i", "/none/at/all"]), json!({"i": "kept"}));
        assert_eq!(sketched(&["/h", "/a/f~0~1g", "/a-b", "/a/b", "/a"]), sketched(&["/a/b", "/h", "/a/f~0~1g"]));
    }

    #[test]
    fn an_object_is_sketched_where_it_stands() {
        let sketched = project(OBJECT, Pointer::from_static("/a"), [Pointer::from_static("/f~0~1g")]);
        assert_eq!(sketched, Some(json!({"f~/g": true})));
        assert_eq!(project(OBJECT, Pointer::from_static("/none"), []), None);
    }

    #[test]
    fn nothing_is_read_behind_the_last_place() {
        let read = |json: &str, places: &[&str]| {
            project(json, Pointer::root(), places.iter().map(|place| Pointer::parse(*place).unwrap()))
        };
        assert_eq!(read(r#"{"a":{"b":1,"c":broken"#, &["/a/b"]), Some(json!({"a": {"b": 1}})));
        assert_eq!(
            read(r#"{"a":{"b":1},"c":[{"d":2}],broken"#, &["/a/none", "/c/0/d"]),
            Some(json!({"a": {}, "c": [{"d": 2}]}))
        );
    }
}
