//! Values of one release that are written in several places, such as the values and the parameters of an Argo CD
//! application. Helm merges them, later ones first.

use super::value_path::{self, ValuePath};
use serde_json::Value;
use std::collections::BTreeMap;

/// What changes in the values of a release.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ValueChanges {
    /// The values that are no longer set.
    pub(super) removed: Vec<ValuePath>,
    /// The values that are new or changed.
    pub(super) set: BTreeMap<ValuePath, Value>,
}

impl ValueChanges {
    /// What turns `old` into `new`.
    pub(super) fn between(old: &Value, new: &Value) -> Self {
        let (old, new) = (value_path::leaves(old), value_path::leaves(new));
        // paths that begin in the same way are together
        let is_kept =
            |path: &ValuePath| new.range(path.clone()..).next().is_some_and(|(other, _)| other.starts_with(path));
        let removed = old.keys().filter(|path| !is_kept(path)).cloned().collect();
        let set = new.into_iter().filter(|(path, value)| old.get(path) != Some(value)).collect();
        Self { removed, set }
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.set.is_empty()
    }
}

/// The merged values of some layers.
pub(super) fn merged(layers: &[Value]) -> Value {
    let mut merged = Value::Object(serde_json::Map::new());
    for layer in layers {
        merge(&mut merged, layer);
    }
    merged
}

fn merge(values: &mut Value, layer: &Value) {
    match (values, layer) {
        (Value::Object(values), Value::Object(layer)) => {
            for (key, member) in layer {
                merge(values.entry(key.as_str()).or_insert(Value::Null), member);
            }
        }
        (values, layer) => *values = layer.clone(),
    }
}

/// Makes changes in layers: where a value is, else in the layer `for_new`.
pub(super) fn apply(changes: &ValueChanges, layers: &mut [Value], for_new: usize) {
    for path in &changes.removed {
        for layer in &mut *layers {
            value_path::remove(layer, path);
        }
    }
    for (path, value) in &changes.set {
        let place = layers.iter().rposition(|layer| value_path::get(layer, path).is_some()).unwrap_or(for_new);
        if let Some(layer) = layers.get_mut(place) {
            value_path::set(layer, path, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_made_where_the_value_is() {
        let mut layers = [json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 3}, "key": "x"})];
        let old = merged(&layers);
        assert_eq!(old, json!({"a": {"b": 3, "c": 2}, "key": "x"}));
        let changes = ValueChanges::between(&old, &json!({"a": {"b": 4, "c": 5}, "new": true}));
        apply(&changes, &mut layers, 0);
        assert_eq!(layers, [json!({"a": {"b": 1, "c": 5}, "new": true}), json!({"a": {"b": 4}})]);
    }
}
