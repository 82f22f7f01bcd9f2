//! What nothing needs after the rollout: Secrets of keys, what fills them, and what rotates them.

use super::Input;
use super::json::{any_text, at, items, text};
use crate::policy::NamespaceSetting;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// An object that is to be deleted after the rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obsolete {
    /// Its kind, as `kubectl delete` takes it.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The index in the input, if it is there.
    pub input: Option<usize>,
}

/// A namespace and the name of a Secret in it.
pub type SecretName = (String, String);

/// Whether an object other than those that only fill this Secret, or are it, takes it. A Secret that is in the input and
/// holds something else is taken, too.
pub(super) fn is_taken(input: &Input<'_>, value: &Value, secret: &SecretName) -> bool {
    let (_, name) = secret;
    let own_name = text(value, &["metadata", "name"]).unwrap_or_default();
    let kind = text(value, &["kind"]).unwrap_or_default();
    if is_secret(input, secret) {
        return ["data", "stringData"]
            .iter()
            .filter_map(|field| value.get(field)?.as_object())
            .map(Map::len)
            .sum::<usize>()
            > 1;
    }
    !fills(kind, value, own_name, name) && takes_secret(value, name)
}

/// The obsolete objects, if no workload refers to these Secrets of keys any more: of a namespace the Secret, and what
/// fills or renews it. `taken` says which object still takes a Secret.
pub(super) fn find(
    inputs: &[Input<'_>],
    secrets: &BTreeSet<SecretName>,
    taken: &dyn Fn(&SecretName) -> bool,
    is_mounted: &dyn Fn(&SecretName) -> bool,
) -> Vec<Obsolete> {
    let mut obsolete = Vec::new();
    for secret in secrets.iter().filter(|secret| !taken(secret)) {
        let (namespace, name) = secret;
        let object = |kind: &str, name: &str, input: Option<usize>| Obsolete {
            kind: kind.to_owned(),
            namespace: input
                .and_then(|index| inputs.get(index))
                .map_or(namespace.as_str(), |input| input.namespace)
                .to_owned(),
            name: name.to_owned(),
            input,
        };
        let is_it = |input: &Input<'_>| is_secret(input, secret);
        add(&mut obsolete, object("Secret", name, inputs.iter().position(is_it)));
        for (index, input) in inputs.iter().enumerate() {
            let kind = text(input.value, &["kind"]).unwrap_or_default();
            let Some(own_name) = text(input.value, &["metadata", "name"]) else { continue };
            let is_used = || kind == "SecretProviderClass" && is_mounted(&(namespace.clone(), own_name.to_owned()));
            if input.namespace == namespace && fills(kind, input.value, own_name, name) && !is_used() {
                add(&mut obsolete, object(kind, own_name, Some(index)));
            }
        }
    }
    obsolete
}

/// Adds the `SecretProviderClass`es that nothing mounts any more.
pub(super) fn add_classes(
    obsolete: &mut Vec<Obsolete>,
    inputs: &[Input<'_>],
    classes: &BTreeSet<SecretName>,
    is_mounted: &dyn Fn(&SecretName) -> bool,
) {
    const KIND: &str = "SecretProviderClass";
    for class in classes.iter().filter(|class| !is_mounted(class)) {
        let (namespace, name) = class;
        let input = inputs.iter().position(|input| {
            let is_named = text(input.value, &["metadata", "name"]) == Some(name);
            input.namespace == namespace && text(input.value, &["kind"]) == Some(KIND) && is_named
        });
        add(obsolete, Obsolete { kind: KIND.to_owned(), namespace: namespace.clone(), name: name.clone(), input });
    }
}

/// Whether a volume of an object mounts the `SecretProviderClass` of this name.
pub(super) fn mounts_class(value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| mounts_class(item, name)),
        Value::Object(members) => members.iter().any(|(key, member)| {
            key == "secretProviderClass" && member.as_str() == Some(name) || mounts_class(member, name)
        }),
        _ => false,
    }
}

/// Adds an object. A name that the API server rejects belongs to none, and kubectl could read it as a flag: `--all`.
fn add(obsolete: &mut Vec<Obsolete>, object: Obsolete) {
    let is_name = NamespaceSetting::ServiceAccount.form().matches;
    if is_name(&object.name) && !obsolete.contains(&object) {
        obsolete.push(object);
    }
}

/// Whether an object is this Secret.
pub(super) fn is_secret(input: &Input<'_>, (namespace, name): &SecretName) -> bool {
    let is = |path: &[&str], expected: &str| text(input.value, path) == Some(expected);
    input.namespace == namespace
        && is(&["apiVersion"], "v1")
        && is(&["kind"], "Secret")
        && is(&["metadata", "name"], name)
}

/// Whether an object only fills or renews the Secret of this name.
fn fills(kind: &str, value: &Value, own_name: &str, secret: &str) -> bool {
    let target = |path: &[&str]| text(value, path).unwrap_or(own_name) == secret;
    match kind {
        // External Secrets Operator
        "ExternalSecret" => target(&["spec", "target", "name"]),
        // Bitnami Sealed Secrets
        "SealedSecret" => target(&["spec", "template", "metadata", "name"]),
        // Vault Secrets Operator
        "VaultStaticSecret" | "VaultDynamicSecret" => text(value, &["spec", "destination", "name"]) == Some(secret),
        // akv2k8s
        "AzureKeyVaultSecret" => text(value, &["spec", "output", "secret", "name"]) == Some(secret),
        "SecretProviderClass" => is_class_of(value, secret),
        "CronJob" => is_rotation(value, secret),
        _ => false,
    }
}

/// Whether a `SecretProviderClass` fills only this Secret, and mounts nothing else.
pub(super) fn is_class_of(class: &Value, secret: &str) -> bool {
    let mut filled = items(class, &["spec", "secretObjects"]).peekable();
    let keys: usize = items(class, &["spec", "secretObjects"]).map(|object| items(object, &["data"]).count()).sum();
    let objects = text(class, &["spec", "parameters", "objects"]).unwrap_or_default();
    filled.peek().is_some()
        && filled.all(|object| text(object, &["secretName"]) == Some(secret))
        && objects.matches("objectName").count() <= keys
}

/// Whether a job works with Secrets by kubectl.
pub(super) fn works_with_secrets(job: &Value) -> bool {
    let contains = |spec: &Value, word: &str| any_text(spec, &|text| text.to_ascii_lowercase().contains(word));
    at(job, &["spec"]).is_some_and(|spec| contains(spec, "kubectl") && contains(spec, "secret"))
}

/// Whether a job renews the key: it names the Secret, and works with Secrets by kubectl.
fn is_rotation(job: &Value, secret: &str) -> bool {
    let is_word = |text: &str| {
        let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '.');
        parts.into_iter().any(|word| word == secret)
    };
    works_with_secrets(job) && at(job, &["spec"]).is_some_and(|spec| any_text(spec, &is_word))
}

/// Whether an object takes the Secret of this name: below any key with `secret` in its name, whatever the kind. Other
/// applications and their controllers have keys of their own, such as `tls[].secretName` and `existingSecret`.
pub(super) fn takes_secret(value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| takes_secret(item, name)),
        Value::Object(members) => members.iter().any(|(key, member)| {
            // a kustomization makes the Secret
            let is_reference = key != "secretGenerator" && key.to_ascii_lowercase().contains("secret");
            (is_reference && names(member, name)) || takes_secret(member, name)
        }),
        _ => false,
    }
}

/// Whether the value of a reference is this name, or has it in its field `name`.
fn names(reference: &Value, name: &str) -> bool {
    match reference {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(_) => text(reference, &["name"]) == Some(name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_class_that_mounts_more_than_the_key_is_kept() {
        let class = |objects: &str| {
            let secret = json!([{"secretName": "orders-token", "data": [{"objectName": "orders", "key": "value"}]}]);
            json!({"spec": {"secretObjects": secret, "parameters": {"objects": objects}}})
        };
        assert!(is_class_of(&class("array:\n  - |\n    objectName: orders\n"), "orders-token"));
        assert!(!is_class_of(&class("array:\n  - |\n    objectName: orders\n    objectName: tls\n"), "orders-token"));
        assert!(!is_class_of(&class(""), "other"));
        assert!(!is_class_of(&json!({"spec": {}}), "orders-token"));
    }

    #[test]
    fn a_secret_is_taken_below_any_key_with_secret_in_its_name() {
        for taker in [
            json!({"spec": {"tls": [{"secretName": "a"}]}}),
            json!({"spec": {"imagePullSecrets": [{"name": "a"}]}}),
            json!({"secrets": [{"name": "a"}]}),
            json!({"spec": {"existingSecret": "a"}}),
            json!({"spec": {"passwordSecretRef": {"name": "a", "key": "b"}}}),
            json!({"env": [{"valueFrom": {"secretKeyRef": {"name": "a"}}}]}),
        ] {
            assert!(takes_secret(&taker, "a"), "{taker}");
            assert!(!takes_secret(&taker, "b"), "{taker}");
        }
        assert!(!takes_secret(&json!({"metadata": {"name": "a"}, "spec": {"configMap": "a"}}), "a"));
    }

    #[test]
    fn a_name_that_kubectl_reads_as_a_flag_is_left_out() {
        let names = ["orders-token", "--all", "a b"].map(|name| ("n".to_owned(), name.to_owned()));
        let obsolete = find(&[], &BTreeSet::from(names), &|_| false, &|_| false);
        assert_eq!(obsolete.iter().map(|object| object.name.as_str()).collect::<Vec<_>>(), ["orders-token"]);
    }

    #[test]
    fn a_secret_with_other_keys_is_kept() {
        let secret =
            |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": data});
        let name = ("n".to_owned(), "a".to_owned());
        for (data, expected) in [(json!({"value": "a"}), false), (json!({"value": "a", "tls.crt": "b"}), true)] {
            let value = secret(data);
            let input = Input { object: None, value: &value, namespace: "n" };
            assert_eq!(is_taken(&input, &value, &name), expected);
        }
    }

    #[test]
    fn a_job_that_works_with_the_secret_renews_the_key() {
        let job = |command: &str| json!({"spec": {"jobTemplate": {"command": ["sh", "-c", command]}}});
        assert!(is_rotation(&job("kubectl delete secret orders-token"), "orders-token"));
        assert!(!is_rotation(&job("pg_dump --password-file /run/secrets/orders-token"), "orders-token"));
        assert!(!is_rotation(&job("kubectl delete secret orders-token-2"), "orders-token"));
        assert!(!is_rotation(&job("curl http://orders/status"), "orders"));
    }
}
