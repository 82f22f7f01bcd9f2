//! Parses the YAML of one document: [`value`] gives its value, [`tree`] the positions of its nodes. Positions cost more
//! than the value and are needed only where a finding is shown, so a document without findings is never parsed for them.
//!
//! Scalars are resolved as kubectl does, as far as the parser supports it: YAML 1.1 booleans (`yes`, `off`) and octals
//! (`0644`); quoted scalars and keys are always strings.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{Error, Options, Spanned};
use std::fmt;

/// The maximum nesting depth of a document: far deeper than any Kubernetes object, and far less than the stack holds.
pub(super) const MAX_DEPTH: usize = 100;

/// A YAML node; its children have positions.
#[derive(Debug)]
pub(super) enum Node {
    #[allow(dead_code, reason = "the value can decide whether a report shows it")]
    Scalar(Value),
    Sequence(Vec<Spanned<Node>>),
    Mapping(Vec<(Spanned<String>, Spanned<Node>)>),
}

/// Parses the value of a document. The message of the error quotes the file, so callers may only use its kind and its
/// location.
pub(super) fn value(document: &str) -> Result<Value, Error> {
    // the YAML parser itself finds duplicate keys; where it merges mappings, the last value counts
    serde_saphyr::from_str_with_options::<PlainValue<false>>(document, options()).map(|PlainValue(value)| value)
}

/// Parses the positions of a document that [`value`] accepts.
pub(super) fn tree(document: &str) -> Result<Spanned<Node>, Error> {
    serde_saphyr::from_str_with_options(document, options())
}

/// The limits are large enough for a dump of a cluster, but small for the expansion of aliases.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_events: 20_000_000,
            max_nodes: 10_000_000,
            max_total_scalar_bytes: 1 << 30,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
        },
        legacy_octal_numbers: true,
        null_as_string: true,
        emit_comments: false,
        with_snippet: false,
    }
}

/// Parses a JSON value; `None` if it is malformed or has a duplicate key. [`value`] then gives the error.
pub(super) fn json_value(json: &str) -> Option<Value> {
    serde_json::from_str::<PlainValue<true>>(json).ok().map(|PlainValue(value)| value)
}

/// A value of YAML or JSON, with every key as a string. `UNIQUE`: a duplicate key is an error.
struct PlainValue<const UNIQUE: bool>(Value);

impl<'de, const UNIQUE: bool> Deserialize<'de> for PlainValue<UNIQUE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor::<UNIQUE>).map(Self)
    }
}

struct ValueVisitor<const UNIQUE: bool>;

impl<'de, const UNIQUE: bool> Visitor<'de> for ValueVisitor<UNIQUE> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a YAML node")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut sequence = Vec::new();
        while let Some(PlainValue::<UNIQUE>(element)) = elements.next_element()? {
            sequence.push(element);
        }
        Ok(Value::Array(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut mapping = Map::new();
        while let Some((key, PlainValue::<UNIQUE>(member))) = members.next_entry::<String, _>()? {
            if mapping.insert(key, member).is_some() && UNIQUE {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(mapping))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a YAML node")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut sequence = Vec::new();
        while let Some(element) = elements.next_element()? {
            sequence.push(element);
        }
        Ok(Node::Sequence(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut mapping = Vec::new();
        while let Some(member) = members.next_entry()? {
            mapping.push(member);
        }
        Ok(Node::Mapping(mapping))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        value(text).unwrap()
    }

    #[test]
    fn scalars_are_resolved_as_kubectl_does() {
        assert_eq!(
            read(
                "a: 1\nb: '1'\nc: yes\nd: \"yes\"\ne: ~\nf:\ng: off\nh: 0644\ni: 1.5\nj: -2\nk: 2020-01-01\nl: !!str 7\n"
            ),
            json!({"a": 1, "b": "1", "c": true, "d": "yes", "e": null, "f": null, "g": false, "h": 420, "i": 1.5, "j": -2,
                "k": "2020-01-01", "l": "7"})
        );
    }

    #[test]
    fn keys_are_strings() {
        assert_eq!(read("1: a\ntrue: b\n~: c\n"), json!({"1": "a", "true": "b", "~": "c"}));
    }

    #[test]
    fn anchors_and_merge_keys_are_resolved() {
        let text = "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nsame: *base\n";
        assert_eq!(read(text), json!({"base": {"a": 1, "b": 2}, "other": {"a": 1, "b": 3}, "same": {"a": 1, "b": 2}}));
    }

    #[test]
    fn json_with_tabs_and_escapes_is_read() {
        assert_eq!(read("{\n\t\"a\": [\n\t\t1,\n\t\t\"\\ud83d\\ude00\\/\"\n\t]\n}\n"), json!({"a": [1, "😀/"]}));
    }

    #[test]
    fn a_config_map_of_1_mib_is_read() {
        let text = format!("data:\n  one: |\n{}", "    0123456789abcde\n".repeat(1 << 16));
        assert_eq!(read(&text)["data"]["one"].as_str().map(str::len), Some(1 << 20));
    }

    #[test]
    fn an_anchor_can_be_used_a_thousand_times() {
        assert!(value(&format!("a: &a b\nc:\n{}", "- *a\n".repeat(1000))).is_ok());
    }
}
