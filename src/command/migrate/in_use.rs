//! The Secrets and keys that gateways still use after the migration, so that they are not deleted or revoked.

use super::Planned;
use super::reading::{SourceObject, Sources};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::MigratedGateway;
use serde_json::Value;
use std::collections::BTreeSet;

/// The objects of gateways that are not migrated, or that a rule still denies.
pub(super) struct OpenGateways<'s> {
    objects: Vec<OpenObject<'s>>,
}

struct OpenObject<'s> {
    reference: &'s ObjectReference,
    /// The Secrets that it names.
    secrets: BTreeSet<&'s str>,
}

impl<'s> OpenGateways<'s> {
    pub(super) fn of(sources: &'s Sources, planned: &Planned) -> Self {
        let mut open = planned.left();
        open.extend(planned.migration.denied.iter().map(|(object, _)| object.clone()));
        let open_object = |source: &'s SourceObject| {
            let reference = &source.object.as_ref()?.reference;
            open.contains(reference).then(|| OpenObject { reference, secrets: secrets(&source.value) })
        };
        Self { objects: sources.objects.iter().filter_map(open_object).collect() }
    }

    /// An object that uses this Secret.
    pub(super) fn user_of_secret(&self, namespace: &str, name: &str) -> Option<&'s ObjectReference> {
        let is_user =
            |object: &&OpenObject<'s>| object.reference.namespace == namespace && object.secrets.contains(name);
        self.objects.iter().find(is_user).map(|object| object.reference)
    }

    /// An object that uses the keys of a migrated gateway, whose workload was `old`.
    pub(super) fn user_of_keys(&self, gateway: &MigratedGateway, old: &Value) -> Option<&'s ObjectReference> {
        let old = secrets(old);
        let is_user = |object: &&OpenObject<'s>| {
            let reference = object.reference;
            *reference == gateway.object
                || reference.namespace == gateway.object.namespace
                    && (gateway.takes(&reference.kind, &reference.name) || !object.secrets.is_disjoint(&old))
        };
        self.objects.iter().find(is_user).map(|object| object.reference)
    }
}

/// The names of the Secrets that a workload takes variables or files from.
pub(super) fn secrets(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(secrets).collect(),
        Value::Object(members) => {
            let own = members.iter().filter_map(|(key, member)| match key.as_str() {
                "secretKeyRef" | "secretRef" => member.get("name")?.as_str(),
                "secretName" => member.as_str(),
                _ => None,
            });
            own.chain(members.values().flat_map(secrets)).collect()
        }
        _ => BTreeSet::new(),
    }
}
