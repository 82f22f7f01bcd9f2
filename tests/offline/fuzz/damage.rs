//! Random damage from a seed.

use proptest::prelude::*;
use proptest::test_runner::TestRng;
use serde_json::{Map, Value, json};

/// Generates damage.
pub(crate) struct Damage(TestRng);

/// Marks a member that becomes a duplicate of the name after the mark. No document contains it.
const DUPLICATE: char = '\u{1}';

/// Texts that have a meaning for some rule.
const WORDS: &[&str] = &[
    "config.service.auth",
    "CONFIG__SERVICE__AUTH",
    "GatewayKey $(TOKEN)",
    "GatewayKey orders&202601010000&c2lnbmF0dXJl",
    "workloadIdentity",
    "azure.workload.identity/use",
    "true",
    "default",
    "",
    "CREATE",
    "UPDATE",
    "Deployment",
    "Pod",
    "ConfigMap",
    "v1",
    "apps/v1",
    "system:serviceaccount:kube-system:replicaset-controller",
    "mcr.microsoft.com/azure-api-management/gateway:2.9.2",
    "é𝄞\n\0",
    "~1/~0",
];

impl Damage {
    /// Uses this random generator.
    pub(crate) fn by(rng: TestRng) -> Self {
        Self(rng)
    }

    /// One of the documents with some damage: members swapped, removed or duplicated, other types, other texts, and in one
    /// case of eight a changed byte.
    pub(crate) fn json(&mut self, seeds: &[Value]) -> Vec<u8> {
        let mut document = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let mut other = seeds[self.below(seeds.len())].clone();
            let other = self.place(&mut other).clone();
            let place = self.place(&mut document);
            self.damage_value(place, other);
        }
        let mut bytes = document.to_string().replace("\"\\u0001", "\"").into_bytes();
        if self.below(8) == 0 {
            let at = self.below(bytes.len());
            bytes[at] = self.byte(b"\"{}[]:, 0x\0\xff\\n");
        }
        bytes
    }

    /// Up to `most` of the lines, with characters of `characters` inserted and others removed.
    pub(crate) fn lines(&mut self, lines: &[&str], most: usize, characters: &str) -> Vec<u8> {
        let count = 1 + self.below(most);
        let mut text: Vec<char> = Vec::new();
        for _ in 0..count {
            text.extend(lines[self.below(lines.len())].chars().chain(['\n']));
        }
        let characters: Vec<char> = characters.chars().collect();
        for _ in 0..self.below(6) {
            let at = self.below(text.len());
            match self.below(3) {
                0 => _ = text.remove(at),
                1 => text[at] = characters[self.below(characters.len())],
                _ => text.insert(at, characters[self.below(characters.len())]),
            }
        }
        text.into_iter().collect::<String>().into_bytes()
    }

    /// Random bytes, in half of the cases only bytes that are common in JSON.
    pub(crate) fn any_bytes(&mut self) -> Vec<u8> {
        let is_json = self.below(2) == 0;
        (0..self.below(200)).map(|_| if is_json { self.byte(b"{}[]:,\"\\ae0-1 \n") } else { self.0.random() }).collect()
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound)
    }

    fn byte(&mut self, of: &[u8]) -> u8 {
        of[self.below(of.len())]
    }

    /// A random value in a document, or the whole document.
    fn place<'v>(&mut self, document: &'v mut Value) -> &'v mut Value {
        let mut depth = 2 + self.below(10);
        let mut here = document;
        while depth > 0 && has_members(here) {
            depth -= 1;
            here = match here {
                Value::Array(elements) => {
                    let index = self.below(elements.len());
                    &mut elements[index]
                }
                Value::Object(members) => {
                    let index = self.below(members.len());
                    members.values_mut().nth(index).expect("the index is below the length")
                }
                _ => unreachable!("it has members"),
            };
        }
        here
    }

    /// Damages a value, or replaces it with another one.
    fn damage_value(&mut self, place: &mut Value, other: Value) {
        match (self.below(6), place) {
            (0, place) => *place = other,
            (1, place) => *place = self.of_another_type(),
            (2, Value::Object(members)) if !members.is_empty() => self.damage_members(members, other),
            (2, Value::Array(elements)) if !elements.is_empty() => {
                let (one, two) = (self.below(elements.len()), self.below(elements.len()));
                elements.swap(one, two);
                elements.push(elements[one].clone());
            }
            (_, Value::String(text)) => {
                let word = WORDS[self.below(WORDS.len())];
                match self.below(3) {
                    0 => word.clone_into(text),
                    1 => text.push_str(word),
                    _ => text.insert_str(0, word),
                }
            }
            (_, place) => *place = Value::Null,
        }
    }

    fn damage_members(&mut self, members: &mut Map<String, Value>, other: Value) {
        let names: Vec<String> = members.keys().cloned().collect();
        let (one, two) = (&names[self.below(names.len())], &names[self.below(names.len())]);
        match self.below(4) {
            0 => _ = members.remove(one),
            1 => _ = members.insert(format!("{DUPLICATE}{one}"), other),
            2 => _ = members.insert(WORDS[self.below(WORDS.len())].to_owned(), other),
            _ => {
                let (first, second) = (members[one].clone(), members[two].clone());
                members.insert(one.clone(), second);
                members.insert(two.clone(), first);
            }
        }
    }

    fn of_another_type(&mut self) -> Value {
        let deep = (0..self.below(140)).fold(json!(0), |inner, _| json!([inner]));
        let types =
            [json!(true), json!(-1.5), json!(u64::MAX), json!("text"), json!([]), json!({}), json!([null]), deep];
        types[self.below(types.len())].clone()
    }
}

fn has_members(value: &Value) -> bool {
    value.as_array().is_some_and(|elements| !elements.is_empty())
        || value.as_object().is_some_and(|members| !members.is_empty())
}
