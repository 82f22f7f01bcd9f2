//! The pod template of a migrated gateway: its identity, its image, and the `ConfigMap` that its containers take.

use super::json::{append, items, remove, set, text};
use super::key_sources::RemovedSources;
use super::settings::WrittenAt;
use crate::gateway::well_known::USE;
use crate::gateway::{Gateway, GatewayContainer, ImageName, ImageVersion, Images, Setting, Workload};
use crate::policy::dotted;
use jsonptr::PointerBuf;
use semver::Version;
use serde_json::{Value, json};

/// The image version that is written in place of an older one: the newest patch of 2.11 that we know. A newer minor
/// version has to be chosen by a person.
pub const IMAGE_VERSION: Version = Version::new(2, 11, 2);

/// Sets the label and the `ServiceAccount` of the pod template.
pub(super) fn set_identity(value: &mut Value, workload: &Workload, service_account: &str) {
    let Ok(template) = workload.pointer_to([]).resolve_mut(value) else { return };
    set(template, &["metadata", "labels", USE], "true");
    let Some(spec) = template.get_mut("spec") else { return };
    // the deprecated name of the same field
    if spec.get("serviceAccount").is_some() {
        set(spec, &["serviceAccount"], service_account);
    }
    set(spec, &["serviceAccountName"], service_account);
}

/// Lets a container take the `ConfigMap` as a whole.
pub(super) fn take_config_map(container: &mut Value, name: &str) {
    let is_taken = |source: &Value| {
        text(source, &["configMapRef", "name"]) == Some(name) && text(source, &["prefix"]).is_none_or(str::is_empty)
    };
    if !items(container, &["envFrom"]).any(is_taken) {
        append(container, "envFrom", json!({"configMapRef": {"name": name}}));
    }
}

/// Writes a setting into the `env` of a container, if its place is there.
pub(super) fn write_variable(container: &mut Value, name: &str, new: &str, at: &WrittenAt) {
    match at {
        WrittenAt::NewVariable => append(container, "env", json!({"name": name, "value": new})),
        WrittenAt::Variable(index) => {
            let index = index.to_string();
            let Ok(variable) = PointerBuf::from_tokens(["env", &index]).resolve_mut(container) else { return };
            set(variable, &["value"], new);
            if let Some(members) = variable.as_object_mut() {
                members.remove("valueFrom");
            }
        }
        WrittenAt::Main | WrittenAt::Key { .. } => {}
    }
}

/// A change of the images of a workload.
pub(super) struct ImageChange<'c> {
    pub(super) images: &'c Images,
    pub(super) minimum: &'c Version,
    /// The tag that was stated.
    pub(super) tag: Option<&'c str>,
}

impl ImageChange<'_> {
    /// Sets the tag of the gateway's images that are older than the minimum, or whose tag moves.
    pub(super) fn make(
        &self,
        value: &mut Value,
        gateway: &Gateway<'_>,
        guesses: &mut Vec<String>,
        to_do: &mut Vec<String>,
    ) {
        for container in gateway.authenticating() {
            if container.images.is_empty() {
                to_do.push(format!(
                    "Check that container \"{}\" runs the gateway, version {} or newer: its image does not say it, only \
                     its settings; of another program, undo the change",
                    container.container.name, self.minimum
                ));
            }
            for image in images_of(container, gateway.workload) {
                self.make_one(value, image, guesses, to_do);
            }
        }
    }

    fn make_one(
        &self,
        value: &mut Value,
        (at, name): (PointerBuf, &str),
        guesses: &mut Vec<String>,
        to_do: &mut Vec<String>,
    ) {
        let version = self.images.version(name, self.minimum);
        let newest = IMAGE_VERSION.max(self.minimum.clone()).to_string();
        if let Some((tag, newer)) = self.newer(name, &version, &newest) {
            guesses.extend(
                self.tag.is_none().then(|| format!("Check image tag {tag}, a guess: set another with --image-tag")),
            );
            to_do.extend(name.contains('@').then(|| digest_note(&dotted(&at), tag)));
            _ = at.assign(value, json!(newer));
        } else if version == ImageVersion::Unverifiable && self.tag.is_none() {
            let (at, minimum) = (dotted(&at), self.minimum);
            to_do.push(format!("Check that {at} is version {minimum} or newer: its tag does not say it"));
        }
    }

    /// The new tag and the name with it; `None` if the image stays.
    fn newer<'t>(&'t self, name: &str, version: &ImageVersion, newest: &'t str) -> Option<(&'t str, String)> {
        let tag = self.tag_for(name, version, newest)?;
        Some((tag, with_tag(name, tag)?))
    }

    /// The new tag; `None` if the image stays.
    fn tag_for<'t>(&'t self, name: &str, version: &ImageVersion, newest: &'t str) -> Option<&'t str> {
        let is_pinned = name.contains('@');
        let is_kept = match version {
            ImageVersion::Older | ImageVersion::Preview | ImageVersion::Rolling => false,
            ImageVersion::PinnedToUnknownDigest | ImageVersion::Supported => true,
            // a digest alone shows no version
            ImageVersion::Unverifiable => !is_pinned,
        };
        match self.tag {
            Some(tag) if ImageName::parse(name).and_then(|name| name.tag) != Some(tag) => Some(tag),
            Some(_) => None,
            None => (!is_kept).then_some(newest),
        }
    }
}

/// The name with this tag and without a digest; `None` if it does not match the grammar.
fn with_tag(name: &str, tag: &str) -> Option<String> {
    let repository = name.split_once('@').map_or(name, |(repository, _)| repository);
    ImageName::with_tag(repository, tag)
}

fn digest_note(at: &str, tag: &str) -> String {
    format!("Pin {at} to the digest of {tag}, if you pin images: the digest of the old version was removed")
}

/// The images of the gateway that a container runs, with their places.
fn images_of<'g>(
    container: &'g GatewayContainer<'_>,
    workload: &'g Workload,
) -> impl Iterator<Item = (PointerBuf, &'g str)> {
    container.images.iter().map(|image| {
        let at = match image.volume {
            None => container.container.pointer_to(["image"]),
            Some(index) => workload.pointer_to(["spec", "volumes", &index.to_string(), "image", "reference"]),
        };
        (at, image.name)
    })
}

/// Sets a setting in the data of a `ConfigMap`, under the key that it has, in whatever spelling; other spellings are
/// removed.
pub(super) fn set_in_data(config_map: &mut Value, setting: Setting, new: &str) {
    let data = config_map.get("data").and_then(Value::as_object);
    let keys = data.into_iter().flatten().map(|(key, _)| key);
    let keys: Vec<String> = keys.filter(|key| Setting::of(key) == Some(setting)).cloned().collect();
    let key = keys.first().map_or(setting.name(), String::as_str);
    set(config_map, &["data", key], new);
    for other in keys.iter().skip(1) {
        super::json::remove(config_map, &["data"], other);
    }
}

/// Removes the settings of other methods of authentication from a `ConfigMap`, except `kept`.
pub(super) fn remove_auth_settings(config_map: &mut Value, kept: Option<Setting>) {
    // the API server rejects a key that is in both
    for (field, kept) in [("data", kept), ("binaryData", None)] {
        if let Some(data) = config_map.get_mut(field).and_then(Value::as_object_mut) {
            let is_removed = |setting: Setting| super::settings::is_of_other_method(setting) && Some(setting) != kept;
            data.retain(|key, _| !Setting::of(key).is_some_and(is_removed));
        }
    }
}

/// Stakater Reloader restarts the workload when one of these Secrets changes.
const RELOAD: &str = "secret.reloader.stakater.com/reload";

/// Removes the Secrets that only served the key from the annotation of Reloader.
pub(super) fn take_reloads(workload: &mut Value, removed: &RemovedSources) {
    let names = text(workload, &["metadata", "annotations", RELOAD]).unwrap_or_default();
    let is_left = |name: &&str| !removed.secrets.contains_key(*name);
    let left: Vec<&str> = names.split(',').map(str::trim).filter(is_left).collect();
    if left.len() == names.split(',').count() {
        return;
    }
    if left.is_empty() {
        remove(workload, &["metadata", "annotations"], RELOAD);
    } else {
        let left = left.join(",");
        set(workload, &["metadata", "annotations", RELOAD], left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::WORKLOAD_IDENTITY;

    #[test]
    fn a_setting_keeps_its_spelling() {
        let data = json!({"CONFIG__SERVICE__AUTH": "key", "config:service:auth": "x", "config.service.auth.key": "y", "a": "b"});
        let mut config_map = json!({"data": data, "binaryData": {"config.service.auth": "YQ==", "logo": "YQ=="}});
        remove_auth_settings(&mut config_map, Some(Setting::Auth));
        set_in_data(&mut config_map, Setting::Auth, WORKLOAD_IDENTITY);
        set_in_data(&mut config_map, Setting::Endpoint, "e");
        let expected = json!({"CONFIG__SERVICE__AUTH": "workloadIdentity", "config.service.endpoint": "e", "a": "b"});
        assert_eq!(config_map, json!({"data": expected, "binaryData": {"logo": "YQ=="}}));
    }
}
