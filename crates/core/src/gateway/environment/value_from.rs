//! Resolves `env[].valueFrom` (a `ConfigMap`, a Secret, a file or a field of the Pod) and paths into mounted volumes.

use super::{EnvValue, SecretSource, ValueSource};
use crate::gateway::objects::pod_spec::EnvVarSource;
use crate::gateway::{Container, Lookup, RelatedObjects, Workload};
use std::borrow::Cow;
use std::path::Path;

/// The objects that an element of `env` can refer to.
pub(super) struct ReferenceScope<'c, 'a> {
    pub(super) container: &'c Container<'a>,
    pub(super) workload: &'a Workload,
    pub(super) related: &'a RelatedObjects,
}

impl<'a> ReferenceScope<'_, 'a> {
    /// Returns true if the variable is not set: its key is optional and is not in its `ConfigMap`, which was found. An
    /// absent `ConfigMap` may still be created.
    pub(super) fn is_omitted(&self, from: &EnvVarSource) -> bool {
        let optional = from.config_map_key_ref.as_ref().filter(|reference| reference.optional == Some(true));
        optional.is_some_and(|reference| match self.related.config_map(&reference.name) {
            Lookup::Found(config_map) => !config_map.data.contains_key(&reference.key),
            Lookup::Absent | Lookup::Unknown => false,
        })
    }

    /// The value of `env[].valueFrom` and its source.
    pub(super) fn resolve(&self, from: &'a EnvVarSource) -> (EnvValue<'a>, ValueSource<'a>) {
        if let Some(secret) = &from.secret_key_ref {
            return (
                EnvValue::Secret(SecretSource::Secret { name: &secret.name, key: &secret.key }),
                ValueSource::Object,
            );
        }
        if let Some(file) = &from.file_key_ref {
            return (
                EnvValue::Secret(SecretSource::File { volume: &file.volume_name, key: &file.key }),
                ValueSource::Object,
            );
        }
        if let Some(reference) = &from.config_map_key_ref {
            let value = match self.related.config_map(&reference.name) {
                Lookup::Found(config_map) => config_map.value(&reference.key),
                Lookup::Absent | Lookup::Unknown => None,
            };
            return (
                value.unwrap_or(EnvValue::UNKNOWN),
                ValueSource::ConfigMap { name: &reference.name, key: Cow::Borrowed(&reference.key) },
            );
        }
        let field = from.field_ref.as_ref().and_then(|field| self.label_or_annotation(&field.field_path));
        (field.map_or(EnvValue::UNKNOWN, |text| EnvValue::Text(Cow::Borrowed(text))), ValueSource::Object)
    }

    /// The value of the field path `metadata.annotations['key']` or `metadata.labels['key']` in the pod template;
    /// `None` if it is not known. An absent key gives the empty string, unless Kubernetes itself may set it on the Pod.
    fn label_or_annotation(&self, path: &str) -> Option<&'a str> {
        let (keys, rest) = match path.strip_prefix("metadata.annotations['") {
            Some(rest) => (self.workload.template_annotations(), rest),
            None => (self.workload.template_labels(), path.strip_prefix("metadata.labels['")?),
        };
        let key = rest.strip_suffix("']")?;
        match keys.get(key) {
            None if is_set_by_kubernetes(key) => None,
            text => Some(text.map(String::as_str).unwrap_or_default()),
        }
    }

    /// The value of a text: a path in a mounted volume that can contain a Secret counts as the Secret itself.
    pub(super) fn secret_if_in_volume(&self, text: Cow<'a, str>) -> EnvValue<'a> {
        let may_hold_secret =
            |name: &str| self.workload.volumes().iter().any(|volume| volume.name == name && volume.may_hold_secret());
        let path = Path::new(text.trim().trim_start_matches("file://"));
        let mount = self
            .container
            .volume_mounts
            .iter()
            .find(|mount| path.starts_with(&mount.mount_path) && may_hold_secret(&mount.name));
        match mount {
            Some(mount) => EnvValue::Secret(SecretSource::Mount { volume: &mount.name }),
            None => EnvValue::Text(text),
        }
    }
}

/// Returns true if a controller or the API server sets this label or annotation on the Pods that it creates.
fn is_set_by_kubernetes(key: &str) -> bool {
    matches!(key, "pod-template-hash" | "controller-revision-hash" | "controller-uid" | "job-name")
        || key.split_once('/').is_some_and(|(domain, _)| domain.ends_with(".kubernetes.io"))
}
