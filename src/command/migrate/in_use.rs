//! The gateways that still use a key after the migration, and the Secrets that workloads use.

use super::Planned;
use super::reading::Sources;
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::MigratedGateway;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The objects of gateways that are not migrated, or that a rule still denies.
#[derive(Default)]
pub(super) struct OpenGateways<'s> {
    pub(super) objects: HashSet<&'s ObjectReference>,
    /// Those of them that have a kind and a name in a namespace.
    by_name: HashMap<(&'s str, &'s str, &'s str), &'s ObjectReference>,
}

impl<'s> OpenGateways<'s> {
    pub(super) fn of(sources: &'s Sources, planned: &Planned) -> Self {
        let mut open = planned.left();
        open.extend(planned.migration.denied.iter().map(|(object, _)| object.clone()));
        let mut gateways = Self::default();
        for source in &sources.objects {
            let Some(reference) = source.object.as_ref().map(|object| &object.reference) else { continue };
            if open.contains(reference) {
                gateways.add(reference);
            }
        }
        gateways
    }

    fn add(&mut self, reference: &'s ObjectReference) {
        self.objects.insert(reference);
        let namespace = reference.namespace.as_str();
        self.by_name.entry((reference.kind.as_str(), namespace, reference.name.as_str())).or_insert(reference);
    }

    /// An object that uses the keys of a migrated gateway: itself, or one of its objects.
    pub(super) fn user_of_keys(&self, gateway: &MigratedGateway) -> Option<&'s ObjectReference> {
        let namespace = gateway.object.namespace.as_str();
        let itself = self.objects.get(&gateway.object).copied();
        let of_objects =
            || gateway.objects().find_map(|(kind, name)| self.by_name.get(&(kind, namespace, name)).copied());
        itself.or_else(of_objects)
    }
}

/// The names of the Secrets that a workload takes variables or files from. Its other references, such as those of image pull
/// secrets, do not hold the gateway's key.
pub(super) fn secrets(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(secrets).collect(),
        Value::Object(members) => {
            let own = members.iter().filter_map(|(key, member)| match key.as_str() {
                // "secret": a source of a projected volume
                "secretKeyRef" | "secretRef" | "secret" => member.get("name")?.as_str(),
                "secretName" => member.as_str(),
                _ => None,
            });
            own.chain(members.values().flat_map(secrets)).collect()
        }
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::secrets;
    use serde_json::json;

    #[test]
    fn a_secret_is_used_in_every_place_of_a_workload() {
        for value in [
            json!({"env": [{"valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]}),
            json!({"envFrom": [{"secretRef": {"name": "a"}}]}),
            json!({"volumes": [{"secret": {"secretName": "a"}}]}),
            json!({"volumes": [{"projected": {"sources": [{"secret": {"name": "a"}}]}}]}),
        ] {
            assert_eq!(secrets(&value), ["a"].into(), "{value}");
        }
        assert!(secrets(&json!({"imagePullSecrets": [{"name": "a"}]})).is_empty());
    }
}
