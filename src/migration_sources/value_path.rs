//! Paths into the values of a chart, as `helm --set` writes them: `gateway.auth.key`. A dot in a key has a backslash
//! before it.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most keys of a path. Helm rejects names with more than 30 levels.
const MAX_LEVELS: usize = 64;

/// The keys from the root of the values to a value.
pub(super) type ValuePath = Vec<String>;

/// The path of a name such as `gateway.auth.key`.
pub(super) fn parse(name: &str) -> ValuePath {
    let (mut path, mut key, mut is_escaped) = (Vec::new(), String::new(), false);
    for character in name.chars() {
        match character {
            '\\' if !is_escaped => is_escaped = true,
            '.' if !is_escaped => path.push(std::mem::take(&mut key)),
            _ => {
                key.push(character);
                is_escaped = false;
            }
        }
    }
    path.push(key);
    path
}

/// The name of a path, as `helm --set` takes it.
pub(super) fn name(path: &[String]) -> String {
    let keys: Vec<String> = path.iter().map(|key| key.replace('.', "\\.")).collect();
    keys.join(".")
}

/// The value at a path.
pub(super) fn get<'v>(values: &'v Value, path: &[impl AsRef<str>]) -> Option<&'v Value> {
    path.iter().try_fold(values, |value, key| value.get(key.as_ref()))
}

/// Sets the value at a path. Whatever is in the way and not a mapping is replaced. A path that Helm rejects sets nothing.
pub(super) fn set(values: &mut Value, path: &[impl AsRef<str>], new: Value) {
    if path.len() > MAX_LEVELS {
        return;
    }
    let Some((first, rest)) = path.split_first() else {
        *values = new;
        return;
    };
    if !values.is_object() {
        *values = Value::Object(Map::new());
    }
    if let Some(members) = values.as_object_mut() {
        set(members.entry(first.as_ref()).or_insert(Value::Null), rest, new);
    }
}

/// Removes the value at a path, and the mappings around it that are empty then. Returns it.
pub(super) fn remove(values: &mut Value, path: &[impl AsRef<str>]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let members = values.as_object_mut()?;
    if rest.is_empty() {
        return members.remove(first.as_ref());
    }
    let inner = members.get_mut(first.as_ref())?;
    let removed = remove(inner, rest)?;
    if inner.as_object().is_some_and(Map::is_empty) {
        members.remove(first.as_ref());
    }
    Some(removed)
}

/// The values that are not mappings, and the empty mappings, with their paths. Empty values as a whole have none: nothing can be
/// set at an empty path.
pub(super) fn leaves(values: &Value) -> BTreeMap<ValuePath, Value> {
    let mut found = BTreeMap::new();
    collect(values, &mut Vec::new(), &mut found);
    found
}

fn collect(value: &Value, path: &mut ValuePath, found: &mut BTreeMap<ValuePath, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() || path.is_empty() => {
            for (key, member) in members {
                path.push(key.clone());
                collect(member, path, found);
                path.pop();
            }
        }
        leaf => _ = found.insert(path.clone(), leaf.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_with_escaped_dots_is_read_and_written() {
        let text = "serviceAccount.annotations.azure\\.workload\\.identity/client-id";
        let path = parse(text);
        assert_eq!(path, ["serviceAccount", "annotations", "azure.workload.identity/client-id"]);
        assert_eq!(name(&path), text);
    }

    #[test]
    fn a_removed_value_leaves_no_empty_mapping() {
        let mut values = json!({"secret": {"existingSecretName": "a"}, "b": {"c": 1, "d": {}}});
        assert_eq!(remove(&mut values, &["secret", "existingSecretName"]), Some(json!("a")));
        assert_eq!(remove(&mut values, &["b", "x"]), None);
        set(&mut values, &["b", "c", "e"], json!(2));
        assert_eq!(values, json!({"b": {"c": {"e": 2}, "d": {}}}));
        assert_eq!(leaves(&values).keys().map(|path| name(path)).collect::<Vec<_>>(), ["b.c.e", "b.d"]);
        assert!(leaves(&json!({})).is_empty());
    }
}
