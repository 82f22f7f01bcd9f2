//! What a workload is after a patch without operations: a strategic merge patch, or a merge patch (RFC 7386) for kinds that
//! Kubernetes does not know itself.

use serde_json::{Map, Value};
use std::collections::HashMap;

/// Lists of a pod template that are merged by a key of their elements, and that key (`patchMergeKey` in
/// <https://github.com/kubernetes/api/blob/master/core/v1/types.go>). Other lists, such as `envFrom`, are replaced.
const MERGED_LISTS: [(&str, &str); 10] = [
    ("containers", "name"),
    ("env", "name"),
    ("ephemeralContainers", "name"),
    ("hostAliases", "ip"),
    ("imagePullSecrets", "name"),
    ("initContainers", "name"),
    ("ports", "containerPort"),
    ("topologySpreadConstraints", "topologyKey"),
    ("volumeMounts", "mountPath"),
    ("volumes", "name"),
];

/// Merges a patch into an object, which is `Null` then if the patch deletes it.
pub(super) fn merge_into(object: &mut Value, patch: &Value) {
    let group = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let group = group.split_once('/').map_or("", |(group, _)| group);
    if ["", "apps", "batch"].contains(&group) {
        merge(object, patch);
    } else {
        json_patch::merge(object, patch);
    }
}

fn directive(patch: &Map<String, Value>) -> Option<&str> {
    patch.get("$patch").and_then(Value::as_str)
}

/// Merges a patch into a value that is not an element of a list.
fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return *value = patch.clone() };
    match (directive(patch), value.as_object_mut()) {
        (Some("delete"), _) => *value = Value::Null,
        (None | Some("merge"), Some(members)) => merge_members(members, patch),
        _ => {
            let mut members = Map::new();
            merge_members(&mut members, patch);
            *value = Value::Object(members);
        }
    }
}

fn merge_members(members: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, new) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
        if new.is_null() || new.as_object().and_then(directive) == Some("delete") {
            members.remove(key);
            continue;
        }
        let merge_key = MERGED_LISTS.iter().find(|(list, _)| list == key).map(|(_, merge_key)| *merge_key);
        match (new, merge_key) {
            (Value::Array(patches), Some(merge_key)) => {
                let mut items =
                    members.get_mut(key).and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
                let is_new = items.is_empty();
                merge_items(&mut items, patches, merge_key);
                // what is deleted from an absent list makes no list
                if !(is_new && items.is_empty()) {
                    members.insert(key.clone(), Value::Array(items));
                }
            }
            _ => merge(members.entry(key.clone()).or_insert(Value::Null), new),
        }
    }
}

/// Merges a list whose elements have a key. `{$patch: replace}` alone discards the old elements.
fn merge_items(items: &mut Vec<Value>, patches: &[Value], merge_key: &str) {
    let is_mark =
        |patch: &&Value| patch.as_object().is_some_and(|patch| patch.len() == 1 && patch.contains_key("$patch"));
    let old = if patches.iter().any(|patch| is_mark(&patch)) { Vec::new() } else { std::mem::take(items) };
    let key = |item: &Value| item.get(merge_key).map(Value::to_string);
    let mut places: HashMap<String, usize> =
        old.iter().enumerate().filter_map(|(index, item)| Some((key(item)?, index))).collect();
    let mut slots: Vec<Option<Value>> = old.into_iter().map(Some).collect();
    for patch in patches.iter().filter(|patch| !is_mark(patch)) {
        let slot = key(patch).and_then(|key| slots.get_mut(*places.get(&key)?));
        let is_removed = patch.as_object().and_then(directive) == Some("delete");
        match slot {
            Some(slot) if is_removed => *slot = None,
            Some(slot) => merge(slot.get_or_insert(Value::Null), patch),
            None if is_removed => {}
            None => {
                places.extend(key(patch).map(|key| (key, slots.len())));
                slots.push(Some(patch.clone()));
            }
        }
    }
    *items = slots.into_iter().flatten().collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(object: &Value, patch: &Value) -> Value {
        let mut new = object.clone();
        merge_into(&mut new, patch);
        new
    }

    fn workload(containers: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "spec": {"template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn lists_are_merged_by_their_key_or_replaced() {
        let old = json!({"name": "a", "env": [{"name": "X", "value": "1"}], "envFrom": [1], "image": "i"});
        let other = json!({"name": "b"});
        for (patch, expected) in [
            (
                json!([{"name": "a", "envFrom": [2]}]),
                json!([{"name": "a", "env": [{"name": "X", "value": "1"}], "envFrom": [2], "image": "i"}]),
            ),
            (
                json!([{"name": "a", "env": [{"name": "X", "$patch": "delete"}, {"name": "Y"}], "envFrom": null}]),
                json!([{"name": "a", "env": [{"name": "Y"}], "image": "i"}]),
            ),
            (json!([{"name": "a", "$patch": "replace", "image": "j"}]), json!([{"name": "a", "image": "j"}])),
            (json!([{"name": "a", "$patch": "delete"}, other]), json!([other])),
            (json!([{"$patch": "replace"}, other]), json!([other])),
            (json!([other]), json!([old, other])),
            (json!([{"name": "a", "volumeMounts": [{"mountPath": "/a", "$patch": "delete"}]}]), json!([old])),
        ] {
            let new = patched(&workload(&json!([old])), &workload(&patch));
            assert_eq!(new["spec"]["template"]["spec"]["containers"], expected, "{patch}");
        }
    }

    #[test]
    fn another_kind_gets_a_merge_patch() {
        let mut old = workload(&json!([{"name": "a", "envFrom": [1]}]));
        old["apiVersion"] = json!("argoproj.io/v1alpha1");
        let patch = workload(&json!([{"name": "a", "image": "i"}]));
        let new = patched(&old, &patch);
        assert_eq!(new["spec"]["template"]["spec"]["containers"], json!([{"name": "a", "image": "i"}]));
    }
}
