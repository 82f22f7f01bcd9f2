//! The gateways that still use a key after the migration, and the Secrets that workloads use.

use super::Planned;
use super::beside::read_beside;
use super::reading::{OtherSource, SourceObject, Sources, located};
use apim_keyless_core::gateway::{ObjectReference, Setting};
use apim_keyless_core::migration::{MigratedGateway, gateway_in_address, names_in_keys, texts_of_secret};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The objects of gateways that are not migrated, or that a rule still denies.
#[derive(Default)]
pub(super) struct OpenGateways<'s> {
    pub(super) objects: HashSet<&'s ObjectReference>,
    /// Those of them that have a kind and a name in a namespace.
    by_name: HashMap<(&'s str, &'s str, &'s str), &'s ObjectReference>,
    /// By the name of a gateway in API Management in lower case: those of them that are it, by their key or their settings.
    by_gateway_name: HashMap<String, &'s ObjectReference>,
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
                gateways.add_names(sources, source, reference);
            }
        }
        gateways
    }

    /// Adds the names of the gateway resources that a workload can be: those in its keys, and in its `ConfigMap`s.
    fn add_names(&mut self, sources: &'s Sources, source: &SourceObject, reference: &'s ObjectReference) {
        let find = |kind: &str, name: &str| {
            let objects = sources.find(kind, &reference.namespace, name);
            objects.map(|(_, object)| &object.value).collect::<Vec<_>>()
        };
        let mut names: Vec<String> = names_in_keys(&source.value.to_string()).into_iter().map(str::to_owned).collect();
        add_stated_names(&source.value, &mut names);
        for secret in secrets(&source.value) {
            let texts = find("Secret", secret).into_iter().flat_map(texts_of_secret);
            let texts = texts.chain(generated_key_texts(sources, secret).into_iter().map(Cow::Owned));
            names
                .extend(texts.flat_map(|text| names_in_keys(&text).into_iter().map(str::to_owned).collect::<Vec<_>>()));
        }
        let mut config_maps = BTreeSet::new();
        add_config_maps(&source.value, &mut config_maps);
        for config_map in config_maps.into_iter().flat_map(|name| find("ConfigMap", name)) {
            add_stated_names(config_map, &mut names);
        }
        if names.is_empty() {
            // a migrated gateway without a name gets that of its workload, too
            names.push(reference.name.clone());
        }
        for name in names {
            self.by_gateway_name.entry(name.to_lowercase()).or_insert(reference);
        }
    }

    /// An object that is the gateway of this name.
    pub(super) fn user_of_name(&self, name: &str) -> Option<&'s ObjectReference> {
        self.by_gateway_name.get(&name.to_lowercase()).copied()
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
        let of_name = || gateway.gateway_names.iter().find_map(|name| self.user_of_name(name));
        itself.or_else(of_objects).or_else(of_name)
    }
}

/// The texts in which a generator of Kustomize can have the key of this Secret.
fn generated_key_texts(sources: &Sources, secret: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for source in sources.objects.iter().filter(|source| source.other == Some(OtherSource::Kustomization)) {
        let generators = source.value.get("secretGenerator").and_then(Value::as_array).into_iter().flatten();
        let own = generators.filter(|generator| generator.get("name").and_then(Value::as_str) == Some(secret));
        for generator in own {
            texts.push(generator.to_string());
            let lists = ["envs", "files"].into_iter().filter_map(|list| generator.get(list)?.as_array()).flatten();
            let files = lists.filter_map(Value::as_str).map(|entry| entry.rsplit('=').next().unwrap_or(entry));
            texts.extend(files.filter_map(|file| read_beside(source.place.file(), file)));
        }
    }
    texts
}

/// Adds the names of gateway resources that the settings in an object state: `gateway.name`, and the last part of an address of
/// version 1.
fn add_stated_names(value: &Value, names: &mut Vec<String>) {
    let mut add = |name: &str, value: &Value| match (Setting::of(name), value.as_str()) {
        (Some(Setting::GatewayName), Some(name)) => names.push(name.to_owned()),
        (Some(Setting::Endpoint), Some(address)) => names.extend(gateway_in_address(address)),
        _ => {}
    };
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(members) => {
                if let (Some(name), Some(value)) = (members.get("name").and_then(Value::as_str), members.get("value")) {
                    add(name, value);
                }
                for (key, member) in members {
                    add(key, member);
                    left.push(member);
                }
            }
            _ => {}
        }
    }
}

/// By the client id in lower case: the place of an object that names this app after the migration. A `ServiceAccount` with it
/// uses a federated credential, and no client secret.
pub(super) fn users_of_apps(
    sources: &Sources,
    planned: &Planned,
    client_ids: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let mut users = BTreeMap::new();
    for (index, source) in sources.objects.iter().enumerate().filter(|_| !client_ids.is_empty()) {
        if source.is_other() || source.text("/kind") == "ServiceAccount" {
            continue;
        }
        let mut left = vec![planned.migration.value_of(index, &source.value)];
        while let Some(value) = left.pop() {
            match value {
                Value::String(text) => {
                    let id = Some(text.trim().to_lowercase()).filter(|id| client_ids.contains(id));
                    let new = id.filter(|id| !users.contains_key(id));
                    users.extend(new.map(|id| (id, located(&source.place, ""))));
                }
                Value::Array(items) => left.extend(items),
                Value::Object(members) => left.extend(members.values()),
                _ => {}
            }
        }
    }
    users
}

/// Adds the names of the `ConfigMap`s that a workload takes variables from.
fn add_config_maps<'v>(value: &'v Value, names: &mut BTreeSet<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_config_maps(item, names)),
        Value::Object(members) => {
            for (key, member) in members {
                if ["configMapRef", "configMapKeyRef"].contains(&key.as_str()) {
                    names.extend(member.get("name").and_then(Value::as_str));
                }
                add_config_maps(member, names);
            }
        }
        _ => {}
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
