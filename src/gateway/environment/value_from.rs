//! What an entry of `env` takes from elsewhere: a `ConfigMap`, a Secret, a file, a field of its Pod, a mounted volume.

use super::{EnvValue, KeySource, ValueSource};
use crate::gateway::objects::pod_spec::EnvVarSource;
use crate::gateway::{Container, Lookup, RelatedObjects, Workload};
use std::borrow::Cow;
use std::path::Path;

/// What an entry of `env` may refer to.
pub(super) struct ReferenceScope<'c, 'a> {
    pub(super) container: &'c Container<'a>,
    pub(super) workload: &'a Workload,
    pub(super) related: &'a RelatedObjects,
}

impl<'a> ReferenceScope<'_, 'a> {
    /// Is it an optional key that its `ConfigMap` is known not to have? A `ConfigMap` that isn't there yet may come.
    pub(super) fn is_left_out(&self, from: &EnvVarSource) -> bool {
        let optional = from.config_map_key_ref.as_ref().filter(|reference| reference.optional == Some(true));
        optional.is_some_and(|reference| match self.related.config_map(&reference.name) {
            Lookup::Found(config_map) => !config_map.data.contains_key(&reference.key),
            Lookup::Absent | Lookup::Unknown => false,
        })
    }

    /// The value that it is taken from elsewhere, and from where.
    pub(super) fn taken_from(&self, from: &'a EnvVarSource) -> (EnvValue<'a>, ValueSource<'a>) {
        if let Some(secret) = &from.secret_key_ref {
            return (EnvValue::Key(KeySource::Secret { name: &secret.name, key: &secret.key }), ValueSource::Object);
        }
        if let Some(file) = &from.file_key_ref {
            return (EnvValue::Key(KeySource::File { volume: &file.volume_name, key: &file.key }), ValueSource::Object);
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
        let field = from.field_ref.as_ref().and_then(|field| self.keyed_field(&field.field_path));
        (field.map_or(EnvValue::UNKNOWN, |text| EnvValue::Text(Cow::Borrowed(text))), ValueSource::Object)
    }

    /// The text of `metadata.annotations['key']` or `metadata.labels['key']` of the pod template.
    fn keyed_field(&self, path: &str) -> Option<&'a str> {
        let (keys, rest) = match path.strip_prefix("metadata.annotations['") {
            Some(rest) => (self.workload.template_annotations(), rest),
            None => (self.workload.template_labels(), path.strip_prefix("metadata.labels['")?),
        };
        let key = rest.strip_suffix("']")?;
        match keys.get(key) {
            None if is_of_controller(key) => None,
            text => Some(text.map(String::as_str).unwrap_or_default()),
        }
    }

    /// A text that is a path under a volume that holds a Secret is as good as the Secret.
    pub(super) fn behind_a_path(&self, text: Cow<'a, str>) -> EnvValue<'a> {
        let secret =
            |name: &str| self.workload.volumes().iter().any(|volume| volume.name == name && volume.may_hold_a_secret());
        let path = Path::new(text.trim().trim_start_matches("file://"));
        let mount = self
            .container
            .volume_mounts
            .iter()
            .find(|mount| path.starts_with(&mount.mount_path) && secret(&mount.name));
        match mount {
            Some(mount) => EnvValue::Key(KeySource::Mount { volume: &mount.name }),
            None => EnvValue::Text(text),
        }
    }
}

/// Is it a label that a controller or the API server puts on the Pods that it makes?
fn is_of_controller(key: &str) -> bool {
    matches!(key, "pod-template-hash" | "controller-revision-hash" | "controller-uid" | "job-name")
        || key.split_once('/').is_some_and(|(domain, _)| domain.ends_with(".kubernetes.io"))
}
