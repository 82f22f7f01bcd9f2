//! The literals of a generator of Kustomize: `NAME=VALUE` entries of a `ConfigMap` or a Secret.

use super::helm_values::KEY_MESSAGE;
use super::patch_finder::is_of_method;
use super::{NoteKind, SourceContext, SourceReport};
use apim_keyless_core::gateway::{AuthMethod, Cloud, EndpointForm, Setting, WORKLOAD_IDENTITY};
use apim_keyless_core::migration::{
    Fact, endpoint_of_gateway_host, endpoint_of_version_2, gateway_in_address, is_same_endpoint, names_in_keys,
};
use jsonptr::PointerBuf;
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
        let text = read(file).unwrap_or_default();
        let entries = env_entries(&text).filter_map(|(line, name, value)| Some((line, name, value?)));
        found.extend(entries.map(|(line, name, value)| (file.to_owned(), line, (name.to_owned(), value.to_owned()))));
    }
    let files = generator.get("files").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for entry in files {
        let (name, file) = entry.split_once('=').unwrap_or((entry.rsplit('/').next().unwrap_or_default(), entry));
        found.push((file.to_owned(), 1, (name.to_owned(), read(file).unwrap_or_default())));
    }
    found.retain(|(_, _, entry)| is_wanted(entry));
    found
}

/// The names of the gateways whose keys the Secrets of a kustomization have, with the places of the generators.
pub fn gateways_of_keys(kustomization: &Value, read: &dyn Fn(&str) -> Option<String>) -> Vec<(PointerBuf, String)> {
    let generators = kustomization.get("secretGenerator").and_then(Value::as_array).into_iter().flatten().enumerate();
    let names = generators.flat_map(|(index, generator)| {
        let in_files = entries_in_files(generator, read, |_| true).into_iter().map(|(.., entry)| entry);
        let values = literals(generator).into_iter().chain(in_files).map(|(_, value)| value);
        let names =
            values.flat_map(|value| names_in_keys(&value).into_iter().map(str::to_owned).collect::<Vec<String>>());
        let at = PointerBuf::from_tokens(["secretGenerator", index.to_string().as_str()]);
        names.map(|name| (at.clone(), name)).collect::<Vec<_>>()
    });
    names.collect()
}

/// The entries of a file with `NAME=VALUE` lines, as Kustomize reads it: the line from 1, the name and the value, which is
/// taken from the environment of Kustomize if there is none.
fn env_entries(text: &str) -> impl Iterator<Item = (usize, &str, Option<&str>)> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_start).zip(1..);
    let entries = lines.filter(|(line, _)| !line.trim_end().is_empty() && !line.starts_with('#'));
    entries.map(|(line, number)| match line.split_once('=') {
        Some((name, value)) => (number, name, Some(value)),
        None => (number, line, None),
    })
}

/// Whether an entry selects workload identity.
fn is_identity((name, value): &(String, String)) -> bool {
    Setting::of(name) == Some(Setting::Auth) && value.trim() == WORKLOAD_IDENTITY
}

/// The files with `NAME=VALUE` lines of a generator.
pub(super) fn env_files(generator: &Value) -> impl Iterator<Item = &str> {
    let several = generator.get("envs").and_then(Value::as_array).into_iter().flatten();
    several.chain(generator.get("env")).filter_map(Value::as_str)
}

/// Whether the files of a generator already select workload identity.
pub(super) fn selects_identity(generator: &Value, read: &dyn Fn(&str) -> Option<String>) -> bool {
    !entries_in_files(generator, read, is_identity).is_empty()
}

/// Whether the entries of a generator that replaces a `ConfigMap` do not select workload identity.
pub(super) fn replaces_method(generator: &Value, read: &dyn Fn(&str) -> Option<String>) -> bool {
    generator.get("behavior").and_then(Value::as_str) == Some("replace")
        && !literals(generator).iter().any(is_identity)
        && entries_in_files(generator, read, is_identity).is_empty()
}

/// The `ConfigMap`s that the generators of a kustomization make, with the index of the generator. `read` returns the text of a
/// file beside it. One whose settings cannot be read is left out, and so is one that replaces another with files.
pub fn generated_config_maps(kustomization: &Value, read: &dyn Fn(&str) -> Option<String>) -> Vec<(usize, Value)> {
    let generators =
        kustomization.get("configMapGenerator").and_then(Value::as_array).into_iter().flatten().enumerate();
    let config_maps = generators.filter(|(_, generator)| is_whole(generator)).filter_map(|(index, generator)| {
        let mut data: Map<String, Value> =
            literals(generator).into_iter().map(|(name, value)| (name, json!(value))).collect();
        data.extend(data_of_files(generator, read)?);
        let name = generator.get("name")?;
        let metadata = match generator.get("namespace") {
            Some(namespace) => json!({"name": name, "namespace": namespace}),
            None => json!({"name": name}),
        };
        Some((index, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})))
    });
    config_maps.collect()
}

/// The entries of a generator's files; `None` if a file cannot be read, or if such an entry can be a setting of a gateway whose
/// value is not known.
fn data_of_files(generator: &Value, read: &dyn Fn(&str) -> Option<String>) -> Option<Vec<(String, Value)>> {
    let files = generator.get("files").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let has_files = !files.is_empty() || env_files(generator).next().is_some();
    if has_files && generator.get("behavior").is_some_and(|behavior| behavior != "create") {
        return None;
    }
    let mut data = Vec::new();
    for file in env_files(generator) {
        for (_, name, value) in env_entries(&read(file)?) {
            data.push((name.to_owned(), json!(value?)));
        }
    }
    for entry in files {
        let entry = entry.as_str()?;
        let (name, _) = entry.split_once('=').unwrap_or((entry.rsplit('/').next().unwrap_or_default(), entry));
        // the content of other files does not matter, and can be large
        Setting::of(name).is_none().then(|| data.push((name.to_owned(), json!(""))))?;
    }
    Some(data)
}

/// Lets the generator with this index make the `ConfigMap` `new` in place of `old`. What is in files stays there.
pub fn write_generated(kustomization: &mut Value, index: usize, (old, new): (&Value, &Value)) {
    let Some(generator) = kustomization.pointer_mut(&format!("/configMapGenerator/{index}")) else { return };
    let (Some(before), Some(data)) = (entries(old), entries(new)) else { return };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let written = literals(generator);
    let kept = written.iter().filter_map(|(name, _)| Some((name.clone(), text(data.get(name)?))));
    let added = data.iter().filter(|(name, _)| !before.contains_key(*name));
    let new: Vec<(String, String)> = kept.chain(added.map(|(name, value)| (name.clone(), text(value)))).collect();
    if let Some(members) = generator.as_object_mut() {
        write_literals(members.entry("literals").or_insert_with(|| json!([])), &new);
    }
}

fn entries(config_map: &Value) -> Option<&Map<String, Value>> {
    config_map.get("data").and_then(Value::as_object)
}

/// An entry in a file of a generator that has to change.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangedEntry {
    /// The file, as the generator names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What to do in this line.
    pub what_to_do: String,
}

/// The entries in files of the generator with this index that the `ConfigMap` `new` has with another value, or not at all.
pub fn changed_in_files(
    kustomization: &Value,
    index: usize,
    new: &Value,
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<ChangedEntry> {
    let generator = kustomization.pointer(&format!("/configMapGenerator/{index}"));
    let Some((generator, data)) = generator.zip(entries(new)) else { return Vec::new() };
    let mut changed = Vec::new();
    for file in env_files(generator) {
        let text = read(file).unwrap_or_default();
        changed.extend(env_entries(&text).filter_map(|(line, name, old)| {
            let what_to_do = match data.get(name).and_then(Value::as_str) {
                Some(new) if Some(new) == old => return None,
                // new values are addresses, names and methods, and no secrets
                Some(new) => format!("Change {name} to {new}"),
                None => format!("Remove {name}"),
            };
            Some(ChangedEntry { file: file.to_owned(), line, what_to_do })
        }));
    }
    changed
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
    let method = position(Setting::Auth).and_then(|index| entries.get(index)).map(|(_, value)| value.trim());
    // entries without a method are a part of others, which can have selected workload identity
    let stays = method.map_or(!is_whole, |method| method == WORKLOAD_IDENTITY);
    for (index, (name, value)) in entries.iter().enumerate() {
        let setting = Setting::of(name);
        if setting.is_some_and(Setting::is_auth) && AuthMethod::of(Setting::Auth, value) == AuthMethod::Key {
            report.note(index, NoteKind::Key, KEY_MESSAGE);
        }
        let value = match setting {
            Some(Setting::Auth) => WORKLOAD_IDENTITY.to_owned(),
            Some(Setting::AuthKey | Setting::Authority | Setting::ClientSecret | Setting::OtherAuth) => continue,
            Some(Setting::GatewayName) => new_name((index, value), stays, context, &mut report),
            Some(Setting::Endpoint) => new_endpoint((index, value), stays, context, &mut report),
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
    new.extend(token_audience(&new));
    (if report.lacks_fact() { entries.to_vec() } else { new }, report)
}

/// The name of the gateway in place of the one in the entry with this index, which `stays` with workload identity.
fn new_name(
    (index, value): (usize, &str),
    stays: bool,
    context: SourceContext<'_>,
    report: &mut SourceReport<usize>,
) -> String {
    let other = context.facts.gateway_name.as_ref().filter(|stated| *stated != value);
    match other {
        Some(_) if stays => report.note(index, NoteKind::Kept, KEPT_NAME),
        Some(stated) => {
            let message = format!("Check gateway.name {stated} of --gateway-name: it replaces another name");
            report.note(index, NoteKind::Guess, message);
            return stated.clone();
        }
        None => {}
    }
    value.to_owned()
}

/// The endpoint in place of the one in the entry with this index, which `stays` with workload identity.
fn new_endpoint(
    (index, value): (usize, &str),
    stays: bool,
    context: SourceContext<'_>,
    report: &mut SourceReport<usize>,
) -> String {
    let form = EndpointForm::of(value);
    if let Some(stated) = &context.facts.endpoint {
        match form {
            EndpointForm::Usable if is_same_endpoint(value, stated) => {}
            EndpointForm::Usable if stays => report.note(index, NoteKind::Kept, KEPT_ENDPOINT),
            EndpointForm::Usable => report.note(index, NoteKind::Missing(Fact::Consistency), OTHER_ENDPOINT),
            _ => return stated.clone(),
        }
        return value.to_owned();
    }
    let newer = match form {
        EndpointForm::Retired => endpoint_of_version_2(value),
        EndpointForm::GatewayHost => endpoint_of_gateway_host(value).inspect(|endpoint| {
            let message =
                format!("Check config.service.endpoint {endpoint}, a guess: the instance of the old endpoint");
            report.note(index, NoteKind::Guess, message);
        }),
        _ => None,
    };
    if newer.is_none() && form == EndpointForm::Retired {
        report.note(index, NoteKind::Missing(Fact::Endpoint), ENDPOINT);
    }
    newer.unwrap_or_else(|| value.to_owned())
}

/// The audience that entries with the endpoint of a sovereign cloud lack.
fn token_audience(entries: &[(String, String)]) -> Option<(String, String)> {
    let find = |wanted: Setting| entries.iter().find(|(name, _)| Setting::of(name) == Some(wanted));
    let (_, endpoint) = find(Setting::Endpoint)?;
    let cloud = Cloud::of_api_management(endpoint).filter(|cloud| *cloud != Cloud::Public)?;
    let audience = (Setting::TokenAudience.name().to_owned(), cloud.token_audience().to_owned());
    find(Setting::TokenAudience).is_none().then_some(audience)
}

const KEPT_NAME: &str = "the gateway.name of this generator, which is not that of --gateway-name";
const KEPT_ENDPOINT: &str = "the config.service.endpoint of this generator, which is not that of --endpoint";
const OTHER_ENDPOINT: &str = "Leave out --endpoint for this generator, or change its config.service.endpoint first: it names \
                              another configuration API";
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
            {"name": "files", "files": ["config.service.auth=a"]},
            {"name": "orders", "literals": ["config.service.auth=key", "a='b'", "other=1"]},
            {"name": "orders", "behavior": "merge", "literals": ["a=b"]},
        ]});
        let generated = generated_config_maps(&kustomization, &|_| None);
        let [(1, config_map)] = generated.as_slice() else { panic!("{generated:?}") };
        assert_eq!(config_map["data"], json!({"config.service.auth": "key", "a": "b", "other": "1"}));
        let mut new = config_map.clone();
        new["data"] = json!({"config.service.auth": "workloadIdentity", "a": "b", "gateway.name": "orders"});
        write_generated(&mut kustomization, 1, (config_map, &new));
        assert_eq!(
            kustomization["configMapGenerator"][1]["literals"],
            json!(["config.service.auth=workloadIdentity", "a='b'", "gateway.name=orders"])
        );
    }

    #[test]
    fn entries_in_files_stay_there() {
        let generator = json!({"name": "orders", "envs": ["a.env"], "files": ["settings.json"]});
        let mut kustomization = json!({"configMapGenerator": [generator]});
        let read = |name: &str| (name == "a.env").then(|| "# settings\n\ngateway.name=a\nb=c=d\n".to_owned());
        let generated = generated_config_maps(&kustomization, &read);
        let [(0, config_map)] = generated.as_slice() else { panic!("{generated:?}") };
        assert_eq!(config_map["data"], json!({"gateway.name": "a", "b": "c=d", "settings.json": ""}));
        let mut new = config_map.clone();
        new["data"]["config.service.auth"] = json!("workloadIdentity");
        assert_eq!(changed_in_files(&kustomization, 0, &new, &read), []);
        write_generated(&mut kustomization, 0, (config_map, &new));
        let literals = &kustomization["configMapGenerator"][0]["literals"];
        assert_eq!(*literals, json!(["config.service.auth=workloadIdentity"]));
        new["data"]["b"] = json!("other");
        new["data"].as_object_mut().unwrap().remove("gateway.name");
        let expected = [(3, "Remove gateway.name"), (4, "Change b to other")].map(|(line, what_to_do)| ChangedEntry {
            file: "a.env".to_owned(),
            line,
            what_to_do: what_to_do.to_owned(),
        });
        assert_eq!(changed_in_files(&kustomization, 0, &new, &read), expected);
        // a value from the environment, and a file that cannot be read
        for text in [Some("gateway.name"), None] {
            assert!(generated_config_maps(&kustomization, &|_| text.map(str::to_owned)).is_empty());
        }
    }
}
