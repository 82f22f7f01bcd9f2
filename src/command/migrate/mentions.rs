//! Texts of an object that can be the name of a Secret, wherever they stand. Controllers of other applications name Secrets in
//! fields of their own, so only the fields that are known to be something else are left out.

use apim_keyless_core::gateway::Setting;
use serde_json::Value;
use std::collections::BTreeSet;

/// Members that name no Secret, with all below them.
const OTHER_MEMBERS: [&str; 26] = [
    "apiVersion",
    "configMap",
    "configMapGenerator",
    "configMapKeyRef",
    "configMapRef",
    "fullnameOverride",
    "generateName",
    "image",
    "involvedObject",
    "kind",
    "labels",
    "matchLabels",
    "nameOverride",
    "namespace",
    "ownerReferences",
    "releaseName",
    "resourceNames",
    "roleRef",
    "scaleTargetRef",
    "secretGenerator",
    "selector",
    "serviceAccount",
    "serviceAccountName",
    "serviceName",
    "subjects",
    "topologyKey",
];

/// Members whose own `name` is that of something else than a Secret.
const OTHER_NAMES: [&str; 11] = [
    "containers",
    "env",
    "ephemeralContainers",
    "gateway",
    "initContainers",
    "metadata",
    "ports",
    "releases",
    "service",
    "volumeMounts",
    "volumes",
];

/// The texts of one word in an object, also behind a namespace (`NAMESPACE/NAME`) or a flag (`--flag=NAME`). Those of commands
/// are left out.
pub(super) fn mentions(value: &Value) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    add(value, "", &mut found);
    found
}

fn add<'v>(value: &'v Value, within: &str, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => found.extend(name_in(text)),
        // the words of a command are read as a command
        Value::Array(items) if is_command(items) => {}
        Value::Array(items) => items.iter().for_each(|item| add(item, within, found)),
        Value::Object(members) => {
            let kind = members.get("kind");
            let is_of_secret = kind.is_some_and(|kind| kind == "Secret");
            let is_of_other = !is_of_secret && (kind.is_some() || OTHER_NAMES.contains(&within));
            for (key, member) in members {
                let is_other_name = key == "name" && is_of_other;
                if !is_other_name && !OTHER_MEMBERS.contains(&key.as_str()) && Setting::of(key).is_none() {
                    add(member, key, found);
                }
            }
        }
        _ => {}
    }
}

fn name_in(text: &str) -> Option<&str> {
    let word = text.trim();
    let name = word.rsplit(['/', '=']).next()?;
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    (!name.is_empty() && !word.contains(char::is_whitespace) && is_name(name)).then_some(name)
}

fn is_command(items: &[Value]) -> bool {
    const PROGRAMS: [&str; 3] = ["kubectl", "oc", "helm"];
    items
        .iter()
        .any(|item| item.as_str().is_some_and(|word| PROGRAMS.contains(&word.rsplit('/').next().unwrap_or(word))))
}

#[cfg(test)]
mod tests {
    use super::mentions;
    use serde_json::json;

    #[test]
    fn a_name_is_found_in_fields_of_any_controller() {
        for value in [
            json!({"spec": {"servers": [{"tls": {"credentialName": "token"}}]}}),
            json!({"spec": {"listeners": [{"tls": {"certificateRefs": [{"name": "token"}]}}]}}),
            json!({"spec": {"service": {"apiVersion": "v1", "kind": "Secret", "name": "token"}}}),
            json!({"spec": {"authorization": {"credentials": {"name": "token", "key": "a"}}}}),
            json!({"metadata": {"annotations": {"a": "shop/token"}}}),
            json!({"args": ["--from=token"]}),
            json!({"token": "token"}),
        ] {
            assert!(mentions(&value).contains("token"), "{value}");
        }
    }

    #[test]
    fn names_of_other_objects_are_left_out() {
        for value in [
            json!({"metadata": {"name": "token", "labels": {"app": "token"}, "namespace": "token"}}),
            json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "token"}, "selector": {"app": "token"}}}),
            json!({"spec": {"containers": [{"name": "token", "image": "token", "ports": [{"name": "token"}]}]}}),
            json!({"spec": {"rules": [{"backend": {"service": {"name": "token"}}}]}}),
            json!({"envFrom": [{"configMapRef": {"name": "token"}}], "serviceAccountName": "token"}),
            json!({"data": {"gateway.name": "token", "config.service.endpoint": "token"}}),
            json!({"command": ["kubectl", "create", "secret", "generic", "token"]}),
            json!({"gateway": {"name": "token"}, "fullnameOverride": "token"}),
        ] {
            assert!(mentions(&value).iter().all(|name| *name != "token"), "{value}");
        }
    }
}
