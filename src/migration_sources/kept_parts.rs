//! Whether a new value for a part of a migrated workload keeps what the gateway needs there.

use super::value_path;
use apim_keyless_core::gateway::well_known::USE;
use apim_keyless_core::gateway::{Images, Setting};
use jsonptr::PointerBuf;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The paths to the pod template of a workload; a Pod is one itself.
const TEMPLATES: [&str; 3] = ["/spec/jobTemplate/spec/template", "/spec/template", ""];

/// A workload without what selects workload identity: the label, the `ServiceAccount`, and what gives a gateway its settings.
pub(super) fn without_identity(workload: &Value, images: &Images) -> Value {
    let mut workload = workload.clone();
    let Some(path) = TEMPLATES.iter().find(|path| workload.pointer(path).is_some()) else { return workload };
    let Some(template) = workload.pointer_mut(path) else { return workload };
    value_path::remove(template, &["metadata", "labels", USE]);
    value_path::remove(template, &["spec", "serviceAccountName"]);
    for containers in ["/spec/containers", "/spec/initContainers"] {
        let containers = template.pointer_mut(containers).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            without_settings(container, images);
        }
    }
    workload
}

fn without_settings(container: &mut Map<String, Value>, images: &Images) {
    if !container.get("image").and_then(Value::as_str).is_some_and(|image| images.is_gateway(image)) {
        return;
    }
    container.remove("envFrom");
    let is_setting = |variable: &Value| {
        let setting = variable.get("name").and_then(Value::as_str).and_then(Setting::of);
        setting.is_some_and(Setting::is_config_service)
    };
    if let Some(variables) = container.get_mut("env").and_then(Value::as_array_mut) {
        variables.retain(|variable| !is_setting(variable));
    }
}

/// Whether a value that replaces `new` has everything that `new` has and `old` does not have, beside images.
pub(super) fn keeps(value: Option<&Value>, old: Option<&Value>, new: &Value) -> bool {
    lost(value, old, new).is_empty()
}

/// The places in `new` of what `new` has beyond `old`, and `value`, which replaces `new`, does not have. Images are left out: a
/// newer one is as good.
pub(super) fn lost(value: Option<&Value>, old: Option<&Value>, new: &Value) -> Vec<PointerBuf> {
    let mut found = Vec::new();
    add_lost(value, old, new, (&mut PointerBuf::root(), &mut found));
    found
}

fn add_lost(
    value: Option<&Value>,
    old: Option<&Value>,
    new: &Value,
    (at, found): (&mut PointerBuf, &mut Vec<PointerBuf>),
) {
    if old == Some(new) {
        return;
    }
    match new {
        Value::Object(members) => {
            for (key, member) in members.iter().filter(|(key, _)| *key != "image") {
                at.push_back(key);
                let (value, old) = (value.and_then(|value| value.get(key)), old.and_then(|old| old.get(key)));
                add_lost(value, old, member, (at, found));
                at.pop_back();
            }
        }
        Value::Array(items) => {
            let (value, old) = (Elements::of(value), Elements::of(old));
            for (index, item) in items.iter().enumerate() {
                at.push_back(index);
                if let Some(name) = item.get("name").and_then(Value::as_str) {
                    add_lost(value.named(name), old.named(name), item, (at, found));
                } else if !old.has(item) && !value.has(item) {
                    found.push(at.clone());
                }
                at.pop_back();
            }
        }
        _ if value == Some(new) => {}
        _ => found.push(at.clone()),
    }
}

/// The elements of a list.
struct Elements<'l> {
    items: &'l [Value],
    by_name: HashMap<&'l str, &'l Value>,
}

impl<'l> Elements<'l> {
    fn of(list: Option<&'l Value>) -> Self {
        let items = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let names = items.iter().rev().filter_map(|item| Some((item.get("name")?.as_str()?, item)));
        Self { items, by_name: names.collect() }
    }

    /// The first element with this name.
    fn named(&self, name: &str) -> Option<&'l Value> {
        self.by_name.get(name).copied()
    }

    fn has(&self, item: &Value) -> bool {
        self.items.contains(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_new_has_to_be_kept() {
        let old = json!({"name": "a", "env": [{"name": "A", "value": "1"}], "image": "x:1"});
        let new = json!({"name": "a", "env": [{"name": "A", "value": "1"}], "image": "x:1",
            "envFrom": [{"configMapRef": {"name": "b"}}]});
        for (value, is_kept) in [
            (json!({"envFrom": [{"secretRef": {"name": "c"}}, {"configMapRef": {"name": "b"}}]}), true),
            (json!({"envFrom": [{"configMapRef": {"name": "c"}}], "name": "a"}), false),
            (json!({}), false),
        ] {
            assert_eq!(keeps(Some(&value), Some(&old), &new), is_kept, "{value}");
        }
        assert!(!keeps(None, Some(&old), &new) && keeps(None, Some(&old), &old));
        assert!(keeps(Some(&json!([new])), Some(&json!([old])), &json!([new])));
    }

    #[test]
    fn what_selects_workload_identity_is_removed() {
        let image = "mcr.microsoft.com/azure-api-management/gateway:2.11.2";
        let workload = json!({"spec": {"template": {
            "metadata": {"labels": {USE: "true", "app": "a"}},
            "spec": {"serviceAccountName": "a", "containers": [
                {"name": "gateway", "image": image, "envFrom": [{"configMapRef": {"name": "b"}}],
                    "env": [{"name": "config.service.auth", "value": "workloadIdentity"}, {"name": "A", "value": "1"}]},
                {"name": "other", "image": "other:1", "envFrom": [{"configMapRef": {"name": "b"}}]},
            ]},
        }}});
        let expected = json!({"spec": {"template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [
                {"name": "gateway", "image": image, "env": [{"name": "A", "value": "1"}]},
                {"name": "other", "image": "other:1", "envFrom": [{"configMapRef": {"name": "b"}}]},
            ]},
        }}});
        assert_eq!(without_identity(&workload, &Images::default()), expected);
    }
}
