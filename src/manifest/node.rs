//! Reads the YAML of one document into a tree that knows where everything stands.
//!
//! Scalars resolve as kubectl's do, as far as the parser goes: YAML 1.1 booleans (`yes`, `off`) and octals (`0644`),
//! quoted scalars always strings, keys always strings.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{Error, Options, Spanned};
use std::fmt;

/// How deep a document may nest: far deeper than any Kubernetes object, far less than the stack.
pub(super) const DEEPEST: usize = 100;

/// A YAML node, its children with their places.
#[derive(Debug)]
pub(super) enum Node {
    Scalar(Value),
    Sequence(Vec<Spanned<Node>>),
    Mapping(Vec<(Spanned<String>, Spanned<Node>)>),
}

/// The tree of a document. The error's message quotes the file: only its kind and its place may be passed on.
pub(super) fn parse(document: &str) -> Result<Spanned<Node>, Error> {
    serde_saphyr::from_str_with_options(document, options())
}

/// Wide enough for the dump of a cluster; what aliases may multiply is bounded tightly.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
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

    fn value(node: Node) -> Value {
        match node {
            Node::Scalar(value) => value,
            Node::Sequence(elements) => elements.into_iter().map(|element| value(element.value)).collect(),
            Node::Mapping(members) => {
                members.into_iter().map(|(key, member)| (key.value, value(member.value))).collect()
            }
        }
    }

    fn read(text: &str) -> Value {
        value(parse(text).unwrap().value)
    }

    #[test]
    fn scalars_resolve_as_kubectl_resolves_them() {
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
    fn anchors_and_merges_are_followed() {
        let text = "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nsame: *base\n";
        assert_eq!(read(text), json!({"base": {"a": 1, "b": 2}, "other": {"a": 1, "b": 3}, "same": {"a": 1, "b": 2}}));
    }

    #[test]
    fn json_is_yaml_with_tabs_and_escapes() {
        assert_eq!(read("{\n\t\"a\": [\n\t\t1,\n\t\t\"\\ud83d\\ude00\\/\"\n\t]\n}\n"), json!({"a": [1, "😀/"]}));
    }

    #[test]
    fn a_config_map_of_a_mebibyte_is_read() {
        let text = format!("data:\n  one: |\n{}", "    0123456789abcde\n".repeat(1 << 16));
        assert_eq!(read(&text)["data"]["one"].as_str().map(str::len), Some(1 << 20));
    }

    #[test]
    fn one_anchor_may_be_used_a_thousand_times() {
        assert!(parse(&format!("a: &a b\nc:\n{}", "- *a\n".repeat(1000))).is_ok());
    }
}
