//! What a migration left in a cluster: earlier revisions of a gateway that still read a Secret of keys, and what only fills
//! or renews such a Secret.

use super::MigrationInput;
use super::input_index::InputIndex;
use super::json::text;
use super::obsolete::{self, Obsolete, SecretName};
use crate::gateway::{Gateway, Images, KubernetesObject, Recognized, RelatedObjects};
use serde_json::Value;
use std::collections::BTreeSet;

/// The names of the Secrets from which a gateway workload takes an auth setting, or can take one. Empty for every other
/// object.
pub fn secrets_with_auth(object: &KubernetesObject<'_>, images: &Images) -> BTreeSet<String> {
    let related = RelatedObjects::default();
    let gateway = Gateway::recognize(object, images, &related).and_then(Recognized::gateway);
    gateway.iter().flat_map(Gateway::secrets_with_auth).map(str::to_owned).collect()
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
