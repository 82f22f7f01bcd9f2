//! Variants of an object: with the API server's defaults, with its evaluated part changed or left alone, with long names.

use serde_json::{Map, Value, json};

/// Calls `change` on every object inside `value`, with the name of its member in the parent.
fn for_each_object(value: &mut Value, location: &str, change: &mut impl FnMut(&str, &mut Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            change(location, members);
            members.iter_mut().for_each(|(name, member)| for_each_object(member, name, change));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| for_each_object(element, location, change)),
        _ => {}
    }
}

/// The object with all defaults of the API server, and `null` for every absent list.
pub fn defaulted(object: &Value) -> Value {
    let mut object = object.clone();
    for_each_object(&mut object, "", &mut |location, members| match location {
        "containers" | "initContainers" | "ephemeralContainers" => {
            fill(
                members,
                &json!({"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}),
            );
            fill(members, &json!({"imagePullPolicy": "IfNotPresent", "resources": {}}));
            fill(members, &json!({"env": null, "envFrom": null, "volumeMounts": null}));
        }
        "env" => fill(members, &json!({"value": ""})),
        "envFrom" => fill(members, &json!({"prefix": ""})),
        "fieldRef" => fill(members, &json!({"apiVersion": "v1"})),
        "metadata" => fill(
            members,
            &json!({"labels": null, "annotations": null, "ownerReferences": null, "creationTimestamp": null}),
        ),
        "spec" if members.contains_key("containers") => {
            fill(
                members,
                &json!({"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "securityContext": {}}),
            );
            fill(
                members,
                &json!({"terminationGracePeriodSeconds": 30, "volumes": null, "initContainers": null, "ephemeralContainers": null}),
            );
            name_account(members);
        }
        _ => {}
    });
    if object["kind"] == "ConfigMap" {
        object
            .as_object_mut()
            .into_iter()
            .for_each(|members| fill(members, &json!({"data": null, "binaryData": null})));
    }
    object
}

/// The object without the defaults of the API server: no empty text, prefix, list or account.
pub fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    for_each_object(&mut object, "", &mut |location, members| {
        members.retain(|name, member| match (location, name.as_str()) {
            ("env", "value") | ("envFrom", "prefix") | ("spec", "serviceAccountName" | "serviceAccount") => {
                *member != "" && !member.is_null()
            }
            (
                _,
                "env"
                | "envFrom"
                | "volumes"
                | "volumeMounts"
                | "initContainers"
                | "ephemeralContainers"
                | "labels"
                | "annotations"
                | "data",
            ) => !member.is_null() && *member != json!([]) && *member != json!({}),
            _ => true,
        });
    });
    object
}

/// `serviceAccountName` and its deprecated alias are one field. If both are empty, it is `default`.
fn name_account(spec: &mut Map<String, Value>) {
    let set = ["serviceAccountName", "serviceAccount"]
        .into_iter()
        .filter_map(|name| spec.get(name)?.as_str())
        .find(|name| !name.is_empty());
    let name = Value::from(set.unwrap_or("default"));
    spec.insert("serviceAccountName".to_owned(), name.clone());
    spec.insert("serviceAccount".to_owned(), name);
}

fn fill(members: &mut Map<String, Value>, defaults: &Value) {
    for (name, default) in defaults.as_object().into_iter().flatten() {
        members.entry(name.clone()).or_insert_with(|| default.clone());
    }
}

/// An old object with another evaluated part.
pub fn with_evaluated_part_changed(object: &Value, seed: u8) -> Value {
    let mut old = object.clone();
    for_each_object(&mut old, "", &mut |location, members| match (seed % 4, location) {
        (0, "containers") => _ = members.insert("image".to_owned(), json!("before:1")),
        (1, "metadata") => _ = members.remove("labels"),
        (2, "metadata" | "data") => members.clear(),
        (3, "containers") => _ = members.remove("envFrom"),
        _ => {}
    });
    old
}

/// The object after an update that leaves its evaluated part alone; the bits of `seed` choose the changes.
pub fn with_evaluated_part_kept(object: &Value, seed: u8) -> Value {
    let mut new = object.clone();
    let metadata = &mut new["metadata"];
    if seed & 1 != 0 {
        *metadata = metadata.as_object().cloned().unwrap_or_default().into();
        metadata["finalizers"] = json!(["team.example/wait"]);
        metadata["resourceVersion"] = json!("2");
    }
    if seed & 2 != 0 && metadata["annotations"].is_object() {
        // no variable reads these annotations
        metadata["annotations"]["team.example/note"] = json!("another");
        metadata["annotations"]["deployment.kubernetes.io/revision"] = json!("2");
    }
    if seed & 4 != 0 {
        new["status"] = json!({"observedGeneration": 2, "conditions": []});
    }
    if seed & 8 != 0 && new["spec"]["template"].is_object() {
        new["spec"]["replicas"] = json!(7);
        new["spec"]["paused"] = json!(true);
    }
    if seed & 8 != 0 && new["kind"] == "Pod" {
        let containers = new["spec"]["containers"].as_array_mut().into_iter().flatten();
        containers.for_each(|container| container["resources"] = json!({"requests": {"cpu": "2"}}));
    }
    if seed & 16 != 0 && new["data"].is_object() {
        new["data"]["telemetry.logs.std.level"] = json!("debug");
    }
    new
}

/// The object with names of at least `length` bytes: its own, and those of Secrets, keys and containers.
///
/// Kubernetes allows 253 bytes, and the API server checks that before it calls a validating webhook.
pub fn with_long_names(object: &Value, length: usize) -> Value {
    let long = |name: &str| format!("{name:x<length$}");
    let mut object = object.clone();
    for_each_object(&mut object, "", &mut |location, members| {
        if location == "data" {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(key, text)| (long(&format!("config.service.{key}")), text))
                .collect();
        }
        for name in ["name", "key"].into_iter().filter(|_| !matches!(location, "env" | "ownerReferences")) {
            if let Some(Value::String(text)) = members.get_mut(name) {
                *text = long(text);
            }
        }
    });
    object
}
