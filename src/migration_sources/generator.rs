//! The literals of a generator of Kustomize: `NAME=VALUE` entries of a `ConfigMap` or a Secret.

use super::helm_values::KEY_MESSAGE;
use super::patch_finder::is_of_method;
use super::{NoteKind, SourceContext, SourceReport};
use apim_keyless_core::gateway::{AuthMethod, EndpointForm, Setting, WORKLOAD_IDENTITY};
use apim_keyless_core::migration::{Fact, endpoint_of_version_2, gateway_in_address};
use serde_json::{Map, Value, json};

/// The names and values of a generator's literals, without quotes around the values.
pub(super) fn literals(generator: &Value) -> Vec<(String, String)> {
    generator.get("literals").map(pairs).unwrap_or_default()
}

fn pairs(literals: &Value) -> Vec<(String, String)> {
    literals.as_array().into_iter().flatten().filter_map(pair_of).collect()
}

fn pair_of(literal: &Value) -> Option<(String, String)> {
    let (name, value) = literal.as_str()?.split_once('=')?;
    Some((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
}

/// Whether a generator makes the whole `ConfigMap`, and does not add to another one.
pub(super) fn is_whole(generator: &Value) -> bool {
    generator.get("behavior").and_then(Value::as_str) != Some("merge")
}

/// Whether an entry of a generator sets another method of authentication.
pub(super) fn is_of_other_method((name, value): &(String, String)) -> bool {
    let setting = Setting::of(name).filter(|setting| is_of_method(*setting));
    setting.is_some_and(|setting| setting != Setting::Auth || value.trim() != WORKLOAD_IDENTITY)
}

/// The entries in the files of a generator of which this holds: each file, its line from 1, and the entry. `read` returns the
/// text of a file beside the kustomization.
pub(super) fn entries_in_files(
    generator: &Value,
    read: &dyn Fn(&str) -> Option<String>,
    is_wanted: impl Fn(&(String, String)) -> bool,
) -> Vec<(String, usize, (String, String))> {
    let mut found = Vec::new();
    for file in env_files(generator) {
        for (index, line) in read(file).unwrap_or_default().lines().enumerate() {
            let Some((name, value)) = line.trim().split_once('=') else { continue };
            found.push((file.to_owned(), index + 1, (name.to_owned(), value.to_owned())));
        }
    }
    let files = generator.get("files").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for entry in files {
        let (name, file) = entry.split_once('=').unwrap_or((entry.rsplit('/').next().unwrap_or_default(), entry));
        found.push((file.to_owned(), 1, (name.to_owned(), read(file).unwrap_or_default())));
    }
    found.retain(|(_, _, entry)| is_wanted(entry));
    found
}

/// The files with `NAME=VALUE` lines of a generator.
pub(super) fn env_files(generator: &Value) -> impl Iterator<Item = &str> {
    let several = generator.get("envs").and_then(Value::as_array).into_iter().flatten();
    several.chain(generator.get("env")).filter_map(Value::as_str)
}

/// Whether the files of a generator already select workload identity.
pub(super) fn selects_identity(generator: &Value, read: &dyn Fn(&str) -> Option<String>) -> bool {
    env_files(generator).filter_map(read).any(|text| {
        let entries = text.lines().filter_map(|line| line.trim().split_once('='));
        entries
            .into_iter()
            .any(|(name, value)| Setting::of(name) == Some(Setting::Auth) && value.trim() == WORKLOAD_IDENTITY)
    })
}

/// Whether the entries of a generator that replaces a `ConfigMap` do not select workload identity.
pub(super) fn replaces_method(generator: &Value, read: &dyn Fn(&str) -> Option<String>) -> bool {
    let selects = |(name, value): &(String, String)| {
        Setting::of(name) == Some(Setting::Auth) && value.trim() == WORKLOAD_IDENTITY
    };
    generator.get("behavior").and_then(Value::as_str) == Some("replace")
        && !literals(generator).iter().any(selects)
        && entries_in_files(generator, read, selects).is_empty()
}

/// The `ConfigMap`s that the generators of a kustomization make of literals alone, with the index of the generator.
pub fn generated_config_maps(kustomization: &Value) -> Vec<(usize, Value)> {
    let generators =
        kustomization.get("configMapGenerator").and_then(Value::as_array).into_iter().flatten().enumerate();
    let of_literals = generators.filter(|(_, generator)| {
        is_whole(generator) && ["files", "envs", "env"].iter().all(|field| generator.get(*field).is_none())
    });
    let config_maps = of_literals.filter_map(|(index, generator)| {
        let data: Map<String, Value> =
            literals(generator).into_iter().map(|(name, value)| (name, json!(value))).collect();
        let name = generator.get("name")?;
        let metadata = match generator.get("namespace") {
            Some(namespace) => json!({"name": name, "namespace": namespace}),
            None => json!({"name": name}),
        };
        Some((index, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})))
    });
    config_maps.collect()
}

/// Lets the generator with this index make a `ConfigMap`.
pub fn write_generated(kustomization: &mut Value, index: usize, config_map: &Value) {
    let Some(literals) = kustomization.pointer_mut(&format!("/configMapGenerator/{index}/literals")) else { return };
    let Some(data) = config_map.get("data").and_then(Value::as_object) else { return };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let old: Vec<(String, String)> = pairs(literals);
    let kept = old.iter().filter_map(|(name, _)| Some((name.clone(), text(data.get(name)?))));
    let added = data.iter().filter(|(name, _)| old.iter().all(|(known, _)| known != *name));
    let new: Vec<(String, String)> = kept.chain(added.map(|(name, value)| (name.clone(), text(value)))).collect();
    write_literals(literals, &new);
}

/// Writes entries into the literals of a generator. What stays also keeps its quotes.
pub(super) fn write_literals(literals: &mut Value, new: &[(String, String)]) {
    let old = literals.as_array().cloned().unwrap_or_default();
    let kept = |pair: &(String, String)| old.iter().find(|literal| pair_of(literal).as_ref() == Some(pair)).cloned();
    *literals = new.iter().map(|pair| kept(pair).unwrap_or_else(|| json!(format!("{}={}", pair.0, pair.1)))).collect();
}

/// Whether entries hold a setting of a gateway's authentication, or a configuration endpoint.
pub(super) fn mentions_gateway(entries: &[(String, String)]) -> bool {
    entries.iter().any(|(name, value)| match Setting::of(name) {
        Some(Setting::Endpoint) => {
            value.contains(".configuration.") || EndpointForm::of(value) == EndpointForm::Retired
        }
        Some(setting) => setting.is_config_service(),
        None => false,
    })
}

/// The entries of a gateway's `ConfigMap` for workload identity, with notes by the index of an entry. Nothing is added to
/// entries that are not the whole of it.
pub(super) fn migrate_literals(
    entries: &[(String, String)],
    is_whole: bool,
    gateway_name: Option<String>,
    context: SourceContext<'_>,
) -> (Vec<(String, String)>, SourceReport<usize>) {
    let mut report = SourceReport::default();
    let mut new: Vec<(String, String)> = Vec::new();
    let facts = context.facts;
    let position = |wanted: Setting| entries.iter().position(|(name, _)| Setting::of(name) == Some(wanted));
    for (index, (name, value)) in entries.iter().enumerate() {
        let setting = Setting::of(name);
        if setting.is_some_and(Setting::is_auth) && AuthMethod::of(Setting::Auth, value) == AuthMethod::Key {
            report.note(index, NoteKind::Key, KEY_MESSAGE);
        }
        let value = match setting {
            Some(Setting::Auth) => WORKLOAD_IDENTITY.to_owned(),
            Some(Setting::AuthKey | Setting::Authority | Setting::ClientSecret | Setting::OtherAuth) => continue,
            Some(Setting::GatewayName) => facts.gateway_name.clone().unwrap_or_else(|| value.clone()),
            Some(Setting::Endpoint) => {
                let is_retired = EndpointForm::of(value) == EndpointForm::Retired;
                let newer = facts.endpoint.clone().or_else(|| endpoint_of_version_2(value).filter(|_| is_retired));
                if newer.is_none() && is_retired {
                    report.note(index, NoteKind::Missing(Fact::Endpoint), ENDPOINT);
                }
                newer.unwrap_or_else(|| value.clone())
            }
            _ => value.clone(),
        };
        new.push((name.clone(), value));
    }
    if is_whole && position(Setting::Auth).is_none() {
        new.push((Setting::Auth.name().to_owned(), WORKLOAD_IDENTITY.to_owned()));
    }
    if is_whole && position(Setting::GatewayName).is_none() {
        let in_address = || {
            position(Setting::Endpoint)
                .and_then(|index| entries.get(index))
                .and_then(|(_, value)| gateway_in_address(value))
        };
        let place = position(Setting::Endpoint).or(position(Setting::Auth)).unwrap_or_default();
        match facts.gateway_name.clone().or_else(in_address).or(gateway_name) {
            Some(name) => new.push((Setting::GatewayName.name().to_owned(), name)),
            None => report.note(place, NoteKind::Missing(Fact::GatewayName), NAME),
        }
    }
    let is_missing = report.notes.iter().any(|note| matches!(note.kind, NoteKind::Missing(_)));
    (if is_missing { entries.to_vec() } else { new }, report)
}

const ENDPOINT: &str = "Pass --endpoint, the configuration endpoint, such as NAME.configuration.azure-api.net: this is an address of \
                        version 1, which was retired";
const NAME: &str =
    "Pass --gateway-name, the name of the gateway resource in API Management: the generator does not have it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_config_map_is_read_and_written() {
        let mut kustomization = json!({"configMapGenerator": [
            {"name": "files", "files": ["a"]},
            {"name": "orders", "literals": ["config.service.auth=key", "a='b'", "other=1"]},
            {"name": "orders", "behavior": "merge", "literals": ["a=b"]},
        ]});
        let generated = generated_config_maps(&kustomization);
        let [(1, config_map)] = generated.as_slice() else { panic!("{generated:?}") };
        assert_eq!(config_map["data"], json!({"config.service.auth": "key", "a": "b", "other": "1"}));
        let mut new = config_map.clone();
        new["data"] = json!({"config.service.auth": "workloadIdentity", "a": "b", "gateway.name": "orders"});
        write_generated(&mut kustomization, 1, &new);
        assert_eq!(
            kustomization["configMapGenerator"][1]["literals"],
            json!(["config.service.auth=workloadIdentity", "a='b'", "gateway.name=orders"])
        );
    }
}
