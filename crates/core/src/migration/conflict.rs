//! `ConfigMap`s that a migration cannot change: immutable ones, and those whose values another workload reads.

use super::MigrationInput;
use super::input_index::InputIndex;
use super::json::text;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The namespace and the name of a `ConfigMap`.
type Name = (String, String);

/// The `ConfigMap`s whose gateways are left as they are.
#[derive(Default)]
pub(super) struct BlockedConfigMaps {
    causes: HashMap<Name, Blocked>,
}

pub(super) struct Blocked {
    /// Why it cannot be changed.
    pub(super) cause: String,
    /// Whether even a gateway with workload identity would change it.
    pub(super) is_for_all: bool,
}

/// Something that reads a `ConfigMap`.
struct Reader {
    index: usize,
    /// The key that it reads; `None` for all keys.
    key: Option<String>,
}

impl BlockedConfigMaps {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Blocked> {
        self.causes.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Adds the `ConfigMap`s that were changed and cannot be. `values` are the changed objects, `gateways` the indices of
    /// gateways. Returns whether there was one.
    pub(super) fn add(&mut self, index: &InputIndex<'_>, values: &[Value], gateways: &HashSet<usize>) -> bool {
        let is_changed = |(input, value): &(&MigrationInput<'_>, &Value)| {
            input.object.is_some_and(|object| object.reference.kind == "ConfigMap") && input.value != *value
        };
        let changed: Vec<(&MigrationInput<'_>, &Value)> = index.inputs.iter().zip(values).filter(is_changed).collect();
        let mut readers = None;
        let mut is_added = false;
        for (input, value) in changed {
            let Some(name) = text(input.value, &["metadata", "name"]) else { continue };
            let name = (input.namespace.to_owned(), name.to_owned());
            let cause = if input.value.get("immutable") == Some(&Value::Bool(true)) {
                Some("no change of an immutable ConfigMap can be applied".to_owned())
            } else {
                let readers = readers.get_or_insert_with(|| readers_of_config_maps(index.inputs, gateways));
                let mut readers = readers.get(&name).into_iter().flatten();
                let reader = readers.find(|reader| is_affected(reader.key.as_deref(), input.value, value));
                reader.and_then(|reader| Some(format!("{} reads them, too", title(index.inputs.get(reader.index)?))))
            };
            let Some(cause) = cause else { continue };
            let is_for_all = self.causes.contains_key(&name);
            let old = self.causes.insert(name, Blocked { cause, is_for_all });
            is_added |= old.is_none_or(|old| !old.is_for_all);
        }
        is_added
    }
}

/// What reads each `ConfigMap`, without gateways.
fn readers_of_config_maps(inputs: &[MigrationInput<'_>], gateways: &HashSet<usize>) -> HashMap<Name, Vec<Reader>> {
    let mut readers: HashMap<Name, Vec<Reader>> = HashMap::new();
    for (index, input) in inputs.iter().enumerate().filter(|(index, _)| !gateways.contains(index)) {
        let mut add = |name: &str, key: Option<&str>| {
            let reader = Reader { index, key: key.map(str::to_owned) };
            readers.entry((input.namespace.to_owned(), name.to_owned())).or_default().push(reader);
        };
        add_references(input.value, &mut add);
    }
    readers
}

/// Finds references of containers and volumes to `ConfigMap`s, in whatever kind of object.
fn add_references(value: &Value, add: &mut impl FnMut(&str, Option<&str>)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_references(item, add)),
        Value::Object(members) => {
            for (field, member) in members {
                let key = match field.as_str() {
                    "configMapRef" | "configMap" => None,
                    "configMapKeyRef" => text(member, &["key"]),
                    _ => {
                        add_references(member, add);
                        continue;
                    }
                };
                if let Some(name) = text(member, &["name"]) {
                    add(name, key);
                }
            }
        }
        _ => {}
    }
}

/// Whether what a reader reads was changed or removed.
fn is_affected(key: Option<&str>, old: &Value, new: &Value) -> bool {
    let data = |value: &'_ Value, key: &str| {
        let fields = ["data", "binaryData"].into_iter().filter_map(|field| value.get(field)?.get(key).cloned());
        fields.into_iter().next()
    };
    let is_changed = |key: &str| data(old, key) != data(new, key);
    key.map_or_else(
        || {
            let fields = ["data", "binaryData"].into_iter().filter_map(|field| old.get(field)?.as_object());
            fields.flatten().any(|(key, _)| is_changed(key))
        },
        is_changed,
    )
}

fn title(input: &MigrationInput<'_>) -> String {
    let [kind, name] = [&["kind"][..], &["metadata", "name"]].map(|path| text(input.value, path).unwrap_or_default());
    format!("{kind} \"{name}\"")
}
