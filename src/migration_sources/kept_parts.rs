//! Whether a new value for a part of a migrated workload keeps what the gateway needs there.

use super::value_path;
use apim_keyless_core::gateway::well_known::USE;
use apim_keyless_core::gateway::{Images, Setting};
use serde_json::{Map, Value};

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
    if old == Some(new) {
        return true;
    }
    match new {
        // a newer image is as good
        Value::Object(members) => members.iter().filter(|(key, _)| *key != "image").all(|(key, member)| {
            keeps(value.and_then(|value| value.get(key)), old.and_then(|old| old.get(key)), member)
        }),
        Value::Array(items) => items.iter().all(|item| {
            if item.get("name").is_some_and(Value::is_string) {
                return keeps(named(value, item), named(old, item), item);
            }
            let has = |list: Option<&Value>| list.and_then(Value::as_array).is_some_and(|list| list.contains(item));
            has(old) || has(value)
        }),
        _ => value == Some(new),
    }
}

/// The element of a list with the name of another one.
fn named<'l>(list: Option<&'l Value>, item: &Value) -> Option<&'l Value> {
    list?.as_array()?.iter().find(|other| other.get("name") == item.get("name"))
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
