//! Resolves `env[].valueFrom` (a `ConfigMap`, a Secret, a file or a field of the Pod) and paths into mounted volumes.

use super::{EnvValue, SecretSource, ValueSource};
use crate::gateway::objects::pod_spec::EnvVarSource;
use crate::gateway::{Container, Lookup, RelatedObjects, Setting, Workload};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;

/// The objects that an element of `env` can refer to.
pub(super) struct ReferenceScope<'c, 'a> {
    container: &'c Container<'a>,
    workload: &'a Workload,
    related: &'a RelatedObjects,
    /// The volumes that can contain a Secret and are mounted, each with its path in the container. Built at the first
    /// value that can be a path.
    secret_mounts: OnceCell<Vec<(String, &'a str)>>,
}

impl<'c, 'a> ReferenceScope<'c, 'a> {
    pub(super) fn new(container: &'c Container<'a>, workload: &'a Workload, related: &'a RelatedObjects) -> Self {
        Self { container, workload, related, secret_mounts: OnceCell::new() }
    }

    /// The value of `env[].valueFrom`, which sets `setting` or another variable, and its source. The value of an absent
    /// key is unknown, whether it is optional or not: a later write of the `ConfigMap` can add it, and no rule would
    /// recognize it there.
    ///
    /// A value of the cache is used only as the same setting: findings about another one would show its form to whoever
    /// sends a review.
    pub(super) fn resolve(&self, from: &'a EnvVarSource, setting: Option<Setting>) -> (EnvValue<'a>, ValueSource<'a>) {
        let from_object = |value| (value, ValueSource::Object);
        if let Some(secret) = &from.secret_key_ref {
            return from_object(EnvValue::Secret(SecretSource::Secret { name: &secret.name, key: &secret.key }));
        }
        if let Some(file) = &from.file_key_ref {
            return from_object(EnvValue::Secret(SecretSource::File { volume: &file.volume_name, key: &file.key }));
        }
        if let Some(reference) = &from.config_map_key_ref {
            let value = match self.related.config_map(&reference.name) {
                Lookup::Found(config_map) if config_map.is_reduced() && !is_setting(&reference.key, setting) => {
                    Lookup::Unknown
                }
                Lookup::Found(config_map) => config_map.value(&reference.key),
                Lookup::Absent | Lookup::Unknown => Lookup::Unknown,
            };
            let value = match value {
                Lookup::Found(value) => value,
                Lookup::Absent | Lookup::Unknown => EnvValue::UNKNOWN,
            };
            let (key, setting) = (Cow::Borrowed(reference.key.as_str()), Setting::of(&reference.key));
            return (value, ValueSource::ConfigMap { name: &reference.name, key, setting });
        }
        let field = from.field_ref.as_ref().and_then(|field| self.workload.label_or_annotation(&field.field_path));
        from_object(field.map_or(EnvValue::UNKNOWN, EnvValue::bounded))
    }

    /// The value of a text: a path in a mounted volume that can contain a Secret counts as the Secret itself.
    pub(super) fn secret_if_in_volume(&self, text: Cow<'a, str>) -> EnvValue<'a> {
        let path = text.trim().trim_start_matches("file://");
        if !path.starts_with('/') {
            return EnvValue::Text(text);
        }
        let path = normalized(path);
        let is_in = |mount: &str| path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let mounts = self.secret_mounts.get_or_init(|| self.find_secret_mounts());
        match mounts.iter().find(|(mount_path, _)| is_in(mount_path)) {
            Some((_, volume)) => EnvValue::Secret(SecretSource::Mount { volume }),
            None => EnvValue::Text(text),
        }
    }

    fn find_secret_mounts(&self) -> Vec<(String, &'a str)> {
        let volumes = self.workload.volumes().iter().filter(|volume| volume.may_hold_secret());
        let volumes: HashSet<&str> = volumes.map(|volume| volume.name.as_str()).collect();
        let mounts = self.container.volume_mounts.iter().filter(|mount| volumes.contains(mount.name.as_str()));
        mounts.map(|mount| (normalized(&mount.mount_path), mount.name.as_str())).collect()
    }
}

/// Returns true if a key is a name of this setting, or if both decide how the gateway authenticates.
fn is_setting(key: &str, setting: Option<Setting>) -> bool {
    setting.zip(Setting::of(key)).is_some_and(|(setting, of_key)| setting.is_reported_with(of_key))
}

/// A path without empty components, `.` and a final slash, so that one path is in another if it begins with its
/// components. The root is empty.
fn normalized(path: &str) -> String {
    let components = path.split('/').filter(|component| !matches!(*component, "" | "."));
    components.fold(String::with_capacity(path.len()), |path, component| path + "/" + component)
}
