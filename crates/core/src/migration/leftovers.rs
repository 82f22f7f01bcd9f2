//! What a migration left in a cluster: earlier revisions of a gateway that still read a Secret of keys, and what only fills
//! or renews such a Secret.

use super::MigrationInput;
use super::input_index::InputIndex;
use super::json::text;
use super::obsolete::{self, Obsolete, SecretName};
use crate::gateway::{Gateway, Images, KubernetesObject, Recognized, RelatedObjects};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// The names of the Secrets from which a gateway workload takes an auth setting, or can take one. Empty for every other
/// object.
pub fn secrets_with_auth(object: &KubernetesObject<'_>, images: &Images) -> BTreeSet<String> {
    let related = RelatedObjects::default();
    let gateway = Gateway::recognize(object, images, &related).and_then(Recognized::gateway);
    gateway.iter().flat_map(Gateway::secrets_with_auth).map(str::to_owned).collect()
}

/// The names of the Secrets and of the `SecretProviderClass`es that an object takes, whatever its kind: the texts below
/// each key with `secret` in its name.
pub fn taken_secrets(object: &Value) -> HashSet<String> {
    let mut names = HashSet::new();
    add_taken(object, false, &mut names);
    names
}

fn add_taken(value: &Value, is_reference: bool, names: &mut HashSet<String>) {
    match value {
        Value::String(name) if is_reference => _ = names.insert(name.clone()),
        Value::Array(items) => items.iter().for_each(|item| add_taken(item, is_reference, names)),
        Value::Object(members) => {
            for (key, member) in members {
                let is_name = is_reference && key == "name";
                add_taken(member, is_name || key.to_ascii_lowercase().contains("secret"), names);
            }
        }
        _ => {}
    }
}

/// Whether an object of a cluster can renew the key in a Secret: it works with Secrets by kubectl.
pub fn can_renew(job: &Value) -> bool {
    obsolete::works_with_secrets(job)
}

/// The Secrets, given as namespace and name, and those of the objects that only fill or renew one of them. `is_mounted`
/// says whether a Pod still mounts the `SecretProviderClass` of this namespace and name.
pub fn leftovers(
    objects: &[(String, Value)],
    secrets: &BTreeSet<SecretName>,
    is_mounted: &dyn Fn(&SecretName) -> bool,
) -> Vec<Obsolete> {
    let inputs: Vec<MigrationInput<'_>> =
        objects.iter().map(|(namespace, value)| MigrationInput { object: None, value, namespace }).collect();
    obsolete::find(&InputIndex::of(&inputs), secrets, &BTreeSet::new(), &|_| false, is_mounted)
}

/// The namespace and name of an object.
pub fn name_of(value: &Value) -> Option<(&str, &str)> {
    Some((text(value, &["metadata", "namespace"]).unwrap_or_default(), text(value, &["metadata", "name"])?))
}
