//! What an object is after a patch.

use super::merge_patch::merge_into;
use json_patch::PatchOperation;
use serde_json::Value;

/// A patch of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Patch {
    /// A strategic merge patch, or a merge patch (RFC 7386) for kinds that Kubernetes does not know itself.
    Merge(Value),
    /// The operations of a JSON patch (RFC 6902).
    Operations(Vec<PatchOperation>),
}

impl Patch {
    /// The JSON patch of a list of operations; `None` for another list. What is no operation is left out: no tool applies it.
    pub(super) fn of_operations(items: &[Value]) -> Option<Self> {
        let is_operation = |item: &Value| item.get("op").is_some() && item.get("path").is_some();
        let operations = items.iter().filter_map(|item| serde_json::from_value(item.clone()).ok());
        (!items.is_empty() && items.iter().all(is_operation)).then(|| Self::Operations(operations.collect()))
    }

    /// The object after this patch; `Null` if the patch deletes it. Operations that fail are left out.
    pub(super) fn applied_to(&self, object: &Value) -> Value {
        let mut new = object.clone();
        match self {
            Self::Merge(patch) => merge_into(&mut new, patch),
            Self::Operations(operations) => {
                for operation in operations {
                    _ = json_patch::patch(&mut new, std::slice::from_ref(operation));
                }
            }
        }
        new
    }

    /// The paths of its operations.
    pub(super) fn paths(&self) -> impl Iterator<Item = String> {
        let operations = if let Self::Operations(operations) = self { operations.as_slice() } else { &[] };
        operations.iter().map(|operation| operation.path().to_string())
    }

    /// The path of the first operation that fails on the new object and not on the old one, or appends to a list that the new
    /// one lacks: no tool builds that.
    pub(super) fn failing_path(&self, old: &Value, new: &Value) -> Option<String> {
        let Self::Operations(operations) = self else { return None };
        let (mut old, mut new) = (old.clone(), new.clone());
        let is_failing = |operation: &&PatchOperation| {
            let operation = std::slice::from_ref(*operation);
            let is_done = json_patch::patch(&mut old, operation).is_ok();
            let is_append = operation.iter().any(|operation| operation.path().to_string().ends_with("/env/-"));
            json_patch::patch(&mut new, operation).is_err() && (is_done || is_append)
        };
        operations.iter().find(is_failing).map(|operation| operation.path().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operations(items: &Value) -> Patch {
        Patch::of_operations(items.as_array().unwrap()).unwrap()
    }

    #[test]
    fn operations_that_fail_are_left_out() {
        let patch = operations(&json!([
            {"op": "remove", "path": "/absent"},
            {"op": "replace", "path": "/a"},
            {"op": "add", "path": "/b/-", "value": 2},
        ]));
        assert_eq!(patch.applied_to(&json!({"b": [1]})), json!({"b": [1, 2]}));
        let merge = Patch::Merge(json!({"b": null}));
        assert_eq!(merge.applied_to(&json!({"a": 1, "b": [1]})), json!({"a": 1}));
        assert_eq!(Patch::of_operations(&[json!({"op": "remove", "path": "/a"}), json!({})]), None);
        assert_eq!(Patch::of_operations(&[]), None);
    }

    #[test]
    fn an_operation_fails_if_its_place_is_removed() {
        let patch =
            operations(&json!([{"op": "remove", "path": "/never"}, {"op": "add", "path": "/list/-", "value": 1}]));
        let (old, new) = (json!({"list": []}), json!({}));
        assert_eq!(patch.failing_path(&old, &new).as_deref(), Some("/list/-"));
        assert_eq!(patch.failing_path(&old, &old), None);
        assert_eq!(patch.failing_path(&new, &new), None);
        let append = operations(&json!([{"op": "add", "path": "/env/-", "value": 1}]));
        assert_eq!(append.failing_path(&new, &new).as_deref(), Some("/env/-"));
    }
}
