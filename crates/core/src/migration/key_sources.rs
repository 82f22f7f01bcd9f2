//! Removes from a workload what only served the key or the client secret: variables, `envFrom` sources and volumes.

use super::json::{any_text, append, at, items, remove, take, text};
use super::settings::is_of_other_method;
use crate::gateway::{Setting, WORKLOAD_IDENTITY, begins_as_key, prefix_can_make_auth};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The keys of a Secret, as far as they hold something else than an auth key; `None` if it is not in the input.
pub(super) type SecretKeys<'k> = dyn Fn(&str) -> Option<BTreeSet<String>> + 'k;

/// The fields of a container with commands.
const COMMANDS: [&str; 6] = ["command", "args", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];

/// What was removed from a workload.
#[derive(Debug, Default)]
pub(super) struct RemovedSources {
    /// The Secrets that a removed variable, source or volume named, each with the keys that it took; empty for all.
    pub(super) secrets: BTreeMap<String, BTreeSet<String>>,
    /// Those of which the container took all keys, and which are not in the input: they can hold something else.
    pub(super) unknown: BTreeSet<String>,
    /// The `SecretProviderClass`es of removed volumes.
    pub(super) classes: BTreeSet<String>,
    /// The texts of removed variables: one can be a path in a volume.
    texts: Vec<String>,
    /// The fields of the Pod that removed variables took.
    fields: Vec<String>,
    /// What could not be decided here, as imperatives.
    pub(super) to_do: Vec<String>,
}

/// What the removal needs to know.
pub(super) struct RemovalContext<'c> {
    /// The Secrets of the input in the namespace.
    pub(super) secret_keys: &'c SecretKeys<'c>,
    /// The Secrets that a gateway may take by `envFrom`.
    pub(super) allowed_secrets: &'c [String],
    /// The main `ConfigMap` of the container.
    pub(super) config_map: &'c str,
}

impl RemovedSources {
    /// Removes the settings of other methods of authentication from a container.
    pub(super) fn take_from_container(&mut self, container: &mut Value, context: &RemovalContext<'_>) {
        let removed = take(container, "env", |variable| is_auth_variable(variable, context.config_map));
        let mut names: BTreeSet<String> =
            removed.iter().flat_map(|variable| references(text(variable, &["value"]).unwrap_or_default())).collect();
        let rest = container.clone();
        names.retain(|name| !any_text(&rest, &|text| references(text).any(|other| other == *name)));
        let in_commands: Vec<String> = names.extract_if(.., |name| is_in_command(&rest, name)).collect();
        self.to_do.extend(in_commands.iter().map(|name| {
            format!("Remove variable \"{name}\" and what uses it, if it only holds the key: a command of the container names it")
        }));
        let only_theirs = take(container, "env", |variable| {
            let is_named = text(variable, &["name"]).is_some_and(|name| names.contains(name) && !name.contains('.'));
            is_named && (at(variable, &["valueFrom", "secretKeyRef"]).is_some() || variable.get("value").is_some())
        });
        let field = |variable: &Value| text(variable, &["valueFrom", "fieldRef", "fieldPath"]).map(str::to_owned);
        self.fields.extend(removed.iter().filter_map(field));
        self.texts.extend(removed.iter().filter_map(|variable| text(variable, &["value"]).map(str::to_owned)));
        for variable in removed.iter().chain(&only_theirs) {
            let key = |field| text(variable, &["valueFrom", "secretKeyRef", field]);
            if let (Some(name), Some(key)) = (key("name"), key("key")) {
                self.secrets.entry(name.to_owned()).or_default().insert(key.to_owned());
            }
        }
        self.take_sources(container, context);
    }

    fn take_sources(&mut self, container: &mut Value, context: &RemovalContext<'_>) {
        let sources = take(container, "envFrom", |source| {
            let prefix = text(source, &["prefix"]).unwrap_or_default();
            let name = text(source, &["secretRef", "name"]);
            let is_allowed = |name| context.allowed_secrets.iter().any(|allowed| allowed == name);
            name.is_some_and(|name| !is_allowed(name)) && prefix_can_make_auth(prefix)
        });
        for source in sources {
            let Some(name) = text(&source, &["secretRef", "name"]) else { continue };
            self.secrets.entry(name.to_owned()).or_default();
            if let Some(keys) = (context.secret_keys)(name) {
                take_other_keys(container, &source, name, &keys);
                continue;
            }
            self.unknown.insert(name.to_owned());
            self.to_do.push(format!(
                "Move settings other than the key from Secret \"{name}\" to ConfigMap \"{}\", if it has any: the \
                 gateway no longer takes the Secret",
                context.config_map
            ));
        }
    }

    /// Removes the annotations of the pod template that only served the key.
    pub(super) fn take_annotations(&self, template: &mut Value) {
        for field in &self.fields {
            let key = field.strip_prefix("metadata.annotations['").and_then(|rest| rest.strip_suffix("']"));
            let is_taken = at(template, &["spec"]).is_some_and(|spec| any_text(spec, &|text| text == field));
            if let Some(key) = key.filter(|_| !is_taken) {
                remove(template, &["metadata", "annotations"], key);
            }
        }
    }

    /// Removes the volumes that only served the key, with their mounts. `paths` are removed values of `ConfigMap`s: one
    /// can be a path in a volume. `settings` are those of the gateway's `ConfigMap`s, and `migrated` the names of its containers
    /// that lose the key: a volume that another container mounts stays.
    pub(super) fn take_volumes(
        &mut self,
        spec: &mut Value,
        paths: &[String],
        settings: &[&Value],
        classes: &BTreeSet<String>,
        migrated: &BTreeSet<&str>,
    ) {
        let volumes: Vec<Value> = items(spec, &["volumes"]).cloned().collect();
        for volume in volumes {
            let Some(name) = text(&volume, &["name"]) else { continue };
            let secret = text(&volume, &["secret", "secretName"]);
            let class = text(&volume, &["csi", "volumeAttributes", "secretProviderClass"]);
            let is_of_class = class.is_some_and(|class| classes.contains(class));
            let is_of_secret = secret.is_some_and(|secret| self.secrets.contains_key(secret));
            let is_secret = secret.is_some() || class.is_some() || has_only_secrets(&volume);
            let is_of_path = is_secret
                && paths
                    .iter()
                    .chain(&self.texts)
                    .any(|path| mount_paths(spec, name).any(|mount| is_below(path, mount)))
                && !is_mentioned(spec, name, settings);
            let is_shared = mounting_containers(spec, name).count() > 1 || keys_of(&volume) > 1;
            let is_others = mounting_containers(spec, name).any(|container| !migrated.contains(container));
            let is_of_key = is_of_secret && self.has_only_removed_keys(&volume);
            if !is_others && (is_of_key || !is_shared && (is_of_class || is_of_path)) {
                self.secrets.extend(secret.map(|secret| (secret.to_owned(), BTreeSet::new())));
                self.classes.extend(class.map(str::to_owned));
                remove_volume(spec, name);
            } else if is_of_secret || is_of_path || is_of_class {
                self.to_do.push(format!(
                    "Remove volume \"{name}\" with its mounts, if it only served the key: it holds the same Secret"
                ));
            }
        }
    }

    /// Whether a volume of a Secret says that it holds only keys that a removed variable took.
    fn has_only_removed_keys(&self, volume: &Value) -> bool {
        let removed = text(volume, &["secret", "secretName"]).and_then(|name| self.secrets.get(name));
        let mut keys = items(volume, &["secret", "items"]).filter_map(|item| text(item, &["key"])).peekable();
        keys.peek().is_some() && keys.all(|key| removed.is_some_and(|removed| removed.contains(key)))
    }
}

/// Returns true for a variable that sets a method of authentication other than workload identity. One that takes the
/// method from the main `ConfigMap` stays: that one is changed.
fn is_auth_variable(variable: &Value, config_map: &str) -> bool {
    let Some(setting) = text(variable, &["name"]).and_then(Setting::of) else { return false };
    let is_identity = text(variable, &["value"]) == Some(WORKLOAD_IDENTITY);
    let source = |field| text(variable, &["valueFrom", "configMapKeyRef", field]);
    let is_of_main = source("name") == Some(config_map) && source("key").and_then(Setting::of) == Some(Setting::Auth);
    is_of_other_method(setting) && !(setting == Setting::Auth && (is_identity || is_of_main))
}

/// Adds a variable for each other key of a Secret that the container took as a whole.
fn take_other_keys(container: &mut Value, source: &Value, secret: &str, keys: &BTreeSet<String>) {
    let prefix = text(source, &["prefix"]).unwrap_or_default();
    for key in keys {
        let name = format!("{prefix}{key}");
        let is_set = items(container, &["env"]).any(|variable| text(variable, &["name"]) == Some(&name));
        if !is_set && !Setting::of(&name).is_some_and(is_of_other_method) {
            let reference = json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
            append(container, "env", reference);
        }
    }
}

/// The keys of a Secret, except those that are known to hold an auth key; empty if there are no others.
pub(super) fn other_keys(secret: &Value) -> BTreeSet<String> {
    let members = |field| at(secret, &[field]).and_then(Value::as_object).into_iter().flatten();
    // a long text or a placeholder under another name can be anything, such as a connection
    let is_key = |name: &str, value: &Value| {
        Setting::of(name).is_some_and(is_of_other_method) || value.as_str().is_some_and(begins_as_key)
    };
    let of_text = members("stringData").filter(|(name, value)| !is_key(name, value));
    // what is encoded is evaluated by its name alone
    let encoded = members("data").filter(|(name, _)| !Setting::of(name).is_some_and(is_of_other_method));
    of_text.chain(encoded).map(|(name, _)| name.clone()).collect()
}

fn remove_volume(spec: &mut Value, name: &str) {
    take(spec, "volumes", |volume| text(volume, &["name"]) == Some(name));
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            take(container, "volumeMounts", |mount| text(mount, &["name"]) == Some(name));
        }
    }
}

/// The names of the containers that mount a volume.
fn mounting_containers<'s>(spec: &'s Value, volume: &'s str) -> impl Iterator<Item = &'s str> {
    let mounts = move |container: &&Value| {
        items(container, &["volumeMounts"]).any(|mount| text(mount, &["name"]) == Some(volume))
    };
    lists(spec).filter(mounts).map(|container| text(container, &["name"]).unwrap_or_default())
}

/// How many keys of a Secret a volume names; 0 if it has all of them.
fn keys_of(volume: &Value) -> usize {
    items(volume, &["secret", "items"]).count()
}

/// Whether a projected volume has nothing but Secrets.
fn has_only_secrets(volume: &Value) -> bool {
    let mut sources = items(volume, &["projected", "sources"]).peekable();
    sources.peek().is_some() && sources.all(|source| source.get("secret").is_some())
}

/// Whether a container or a setting mentions a folder in which the volume is mounted.
fn is_mentioned(spec: &Value, volume: &str, settings: &[&Value]) -> bool {
    let is_path = |text: &str| mount_paths(spec, volume).any(|mount| text.contains(mount));
    lists(spec).map(without_mounts).any(|container| any_text(&container, &is_path))
        || settings.iter().any(|value| any_text(value, &is_path))
}

fn lists(spec: &Value) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers"].into_iter().flat_map(|list| items(spec, &[list]))
}

fn without_mounts(container: &Value) -> Value {
    let mut container = container.clone();
    remove(&mut container, &[], "volumeMounts");
    container
}

fn mount_paths<'s>(spec: &'s Value, volume: &'s str) -> impl Iterator<Item = &'s str> {
    let mounts = lists(spec).flat_map(|container| items(container, &["volumeMounts"]));
    mounts.filter(move |mount| text(mount, &["name"]) == Some(volume)).filter_map(|mount| text(mount, &["mountPath"]))
}

fn is_below(path: &str, folder: &str) -> bool {
    let path = path.trim();
    let rest = path.strip_prefix("file://").unwrap_or(path).strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a command of a container names a variable, such as `$NAME` in a shell, or `printenv NAME`.
fn is_in_command(container: &Value, name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let names = |text: &str| text.split(|letter: char| !is_letter(letter)).any(|word| word == name);
    let fields = COMMANDS.iter().filter_map(|field| container.get(*field));
    fields.into_iter().any(|field| any_text(field, &names))
}

/// The names in the `$(NAME)` references of a text.
fn references(text: &str) -> impl Iterator<Item = String> + use<'_> {
    text.split("$(").skip(1).filter_map(|part| Some(part.split_once(')')?.0.to_owned()))
}
