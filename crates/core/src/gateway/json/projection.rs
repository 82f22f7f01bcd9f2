//! Projects an object: reads only the members and elements on the paths to given JSON pointers.

use super::go_json::Text;
use super::pointer_seed::read_at;
use jsonptr::{Pointer, Token};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Reads the object at the JSON pointer `object`, reduced to the paths to `pointers`, which are relative to that
/// object.
///
/// The value at a pointer itself is included: a string, number or boolean as it is, an object without its members, and
/// a list as a list of the same length with `null` for every element that no pointer leads to. JSON after the value of
/// the last pointer is not read.
pub(super) fn project<'p>(
    json: &str,
    object: &Pointer,
    pointers: impl IntoIterator<Item = &'p Pointer>,
) -> Option<Value> {
    let paths = PathTrie::of(pointers);
    let mut projected = None;
    let seed = ProjectionSeed { paths: &paths, remaining: &mut paths.ends(), projected: &mut projected };
    read_at(json, object, seed);
    projected
}

/// A trie of JSON pointers: the next tokens (member names or indices, encoded as in a pointer) in order, each with its
/// subtree. A node without tokens is the end of a pointer.
#[derive(Default)]
struct PathTrie<'p>(Vec<(&'p str, PathTrie<'p>)>);

impl<'p> PathTrie<'p> {
    fn of(pointers: impl IntoIterator<Item = &'p Pointer>) -> Self {
        let mut pointers: Vec<&str> = pointers.into_iter().map(Pointer::as_str).collect();
        pointers.sort_unstable_by(|one, other| one.split('/').cmp(other.split('/')));
        let mut trie = Self::default();
        for pointer in pointers {
            _ = pointer.split('/').skip(1).try_fold(&mut trie, Self::last_or_new_child);
        }
        trie
    }

    /// The subtree of `token`; added if `token` is not the last one. Callers add tokens in ascending order.
    fn last_or_new_child(&mut self, token: &'p str) -> Option<&mut Self> {
        if self.0.last().is_none_or(|(last, _)| *last != token) {
            self.0.push((token, Self::default()));
        }
        self.0.last_mut().map(|(_, child)| child)
    }

    /// The subtree of the member `key`.
    fn child(&self, key: &str) -> Option<&Self> {
        let token = Token::new(key);
        let index = self.0.binary_search_by(|(child_token, _)| (*child_token).cmp(token.encoded())).ok()?;
        self.0.get(index).map(|(_, child)| child)
    }

    /// The number of pointers that end in this subtree.
    fn ends(&self) -> usize {
        self.0.iter().map(|(_, child)| child.ends()).sum::<usize>().max(1)
    }
}

/// Seed and visitor that reads one value, reduced to `paths`.
struct ProjectionSeed<'s, 'p> {
    paths: &'s PathTrie<'p>,
    /// Pointers of the whole projection that have not been reached yet, those of `paths` included.
    remaining: &'s mut usize,
    projected: &'s mut Option<Value>,
}

impl<'de> DeserializeSeed<'de> for ProjectionSeed<'_, '_> {
    type Value = ();

    /// Returns an error when no pointer remains, so that the reader stops.
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { paths, remaining, projected } = self;
        let remaining_after = remaining.saturating_sub(paths.ends());
        deserializer.deserialize_any(ProjectionSeed { paths, remaining: &mut *remaining, projected })?;
        *remaining = remaining_after;
        if remaining_after == 0 { Err(D::Error::custom("complete")) } else { Ok(()) }
    }
}

impl ProjectionSeed<'_, '_> {
    fn store(self, value: impl Into<Value>) {
        *self.projected = Some(value.into());
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
            let Some(paths) = self.paths.child(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let mut projected = None;
            end = map.next_value_seed(ProjectionSeed {
                paths,
                remaining: &mut *self.remaining,
                projected: &mut projected,
            });
            members.extend(projected.map(|value| (key.into_owned(), value)));
        }
        self.store(members);
        end
    }

    /// Reads a list to its end: an edit that appends needs its length.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let indices = self.paths.0.iter().filter_map(|(token, child)| Some((token.parse::<usize>().ok()?, child)));
        let paths: BTreeMap<usize, &PathTrie<'_>> = indices.collect();
        // a count that never reaches 0, so that no element stops the reader
        let (mut elements, mut unlimited) = (Vec::new(), usize::MAX);
        loop {
            let mut projected = None;
            let element = match paths.get(&elements.len()) {
                Some(paths) => list.next_element_seed(ProjectionSeed {
                    paths,
                    remaining: &mut unlimited,
                    projected: &mut projected,
                })?,
                None => list.next_element::<IgnoredAny>()?.map(drop),
            };
            match element {
                Some(()) => elements.push(projected.unwrap_or_default()),
                None => break,
            }
        }
        self.store(elements);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.store(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.store(flag);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.store(number);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.store(number);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.store(number);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.store(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OBJECT: &str =
        r#"{"a":{"b":[{"c":1,"d":"x"},{"c":2},[3]],"e":null,"f~/g":true},"h":1.5,"\u0069":"last","i":"kept"}"#;

    fn projected(pointers: &[&str]) -> Value {
        project(OBJECT, Pointer::root(), pointers.iter().map(|pointer| Pointer::parse(*pointer).unwrap())).unwrap()
    }

    #[test]
    fn only_paths_to_the_pointers_are_read() {
        assert_eq!(projected(&[]), json!({}));
        assert_eq!(projected(&["/a/b/0/d"]), json!({"a": {"b": [{"d": "x"}, null, null]}}));
        assert_eq!(projected(&["/a/b", "/a/e"]), json!({"a": {"b": [null, null, null], "e": null}}));
        assert_eq!(projected(&["/a/b/1/new", "/a/b/7"]), json!({"a": {"b": [null, {}, null]}}));
        assert_eq!(projected(&["/a/b", "/a/b/0/c"]), json!({"a": {"b": [{"c": 1}, null, null]}}));
        assert_eq!(
            projected(&["/a/b/0", "/a/b/0/d", "/h/none"]),
            json!({"a": {"b": [{"d": "x"}, null, null]}, "h": 1.5})
        );
        assert_eq!(projected(&["/a/f~0~1g", "/h"]), json!({"a": {"f~/g": true}, "h": 1.5}));
        assert_eq!(projected(&["/i", "/none/at/all"]), json!({"i": "kept"}));
        assert_eq!(projected(&["/h", "/a/f~0~1g", "/a-b", "/a/b", "/a"]), projected(&["/a/b", "/h", "/a/f~0~1g"]));
    }

    #[test]
    fn a_nested_object_is_projected() {
        let projected = project(OBJECT, Pointer::from_static("/a"), [Pointer::from_static("/f~0~1g")]);
        assert_eq!(projected, Some(json!({"f~/g": true})));
        assert_eq!(project(OBJECT, Pointer::from_static("/none"), []), None);
    }

    #[test]
    fn json_after_the_last_pointer_is_not_read() {
        let read = |json: &str, pointers: &[&str]| {
            project(json, Pointer::root(), pointers.iter().map(|pointer| Pointer::parse(*pointer).unwrap()))
        };
        assert_eq!(read(r#"{"a":{"b":1,"c":broken"#, &["/a/b"]), Some(json!({"a": {"b": 1}})));
        assert_eq!(
            read(r#"{"a":{"b":1},"c":[{"d":2}],broken"#, &["/a/none", "/c/0/d"]),
            Some(json!({"a": {}, "c": [{"d": 2}]}))
        );
    }
}
