//! What a container reads as its auth setting, by the documentation of the kubelet and of .NET. It shares no code with
//! the policy.
//!
//! The environment comes from the model in `environment/model.rs`. Arguments follow .NET's
//! `CommandLineConfigurationProvider`.

use super::universe::{GOOD, Gateway, SPELLINGS};
use crate::environment::model::Environment;
use crate::environment::names;
use crate::environment::true_value::{TrueValue, expanded};
use crate::environment::world::{Container, Field, From, GIVEN, Source, Texts, World};
use apim_keyless_core::gateway::Setting;
use std::collections::BTreeSet;

/// What a container reads that is neither `workloadIdentity` nor nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// A key, another text or something unknown, whatever the `ConfigMap`s hold.
    pub(crate) in_workload: bool,
    /// The same through these keys of `ConfigMap`s, by index and key.
    pub(crate) through: BTreeSet<(usize, &'static str)>,
    /// Does it read `workloadIdentity` or one of these?
    pub(crate) has_method: bool,
}

/// A value that the container reads, and the variable or argument that it comes from.
struct Value {
    from: String,
    value: TrueValue,
}

/// Data of the two `ConfigMap`s; `None` if one does not exist.
pub(crate) type ConfigMaps = [Option<Texts>; 2];

/// The auth setting that a variable or a key of this name is; `None` for any other name.
pub(crate) fn auth_setting(name: &str) -> Option<Setting> {
    names::setting(name).filter(|setting| matches!(setting, Setting::Auth | Setting::AuthKey))
}

impl Reading {
    /// What a container reads with these `ConfigMap`s.
    pub(crate) fn of(gateway: &Gateway, config_maps: &ConfigMaps) -> Self {
        if !starts(gateway, config_maps) {
            return Self::default();
        }
        let values = values(gateway, config_maps);
        let has_method = values.iter().any(|value| !is_unset(&value.value));
        let mut reading = Self { has_method, ..Self::default() };
        for bad in values.iter().filter(|value| is_bad(value)) {
            let through = if bad.value.is_known() { sources(gateway, config_maps, bad) } else { BTreeSet::new() };
            reading.in_workload |= through.is_empty();
            reading.through.extend(through);
        }
        reading
    }
}

/// Does every object and key exist that the kubelet needs before it starts the container?
fn starts(gateway: &Gateway, config_maps: &ConfigMaps) -> bool {
    let whole = gateway.container.env_from.iter().all(|entry| match entry.of {
        Source::ConfigMap(name) => entry.optional == Some(true) || data(config_maps, name).is_some(),
        Source::Secret => true,
    });
    let single = gateway.container.env.iter().all(|entry| match &entry.from {
        Some(From::Key { of: Source::ConfigMap(name), key, optional }) => {
            *optional == Some(true) || data(config_maps, name).is_some_and(|data| data.contains_key(key))
        }
        _ => true,
    });
    whole && single
}

fn is_unset(value: &TrueValue) -> bool {
    value.is_known() && value.text.as_deref().unwrap_or_default().trim().is_empty()
}

fn is_bad(value: &Value) -> bool {
    let is_identity = || {
        let text = value.value.text.as_deref().unwrap_or_default().trim();
        value.value.is_known() && text.eq_ignore_ascii_case(GOOD)
    };
    !is_unset(&value.value) && !is_identity()
}

/// The keys of `ConfigMap`s without which the container would read something else.
fn sources(gateway: &Gateway, config_maps: &ConfigMaps, bad: &Value) -> BTreeSet<(usize, &'static str)> {
    let mut sources = BTreeSet::new();
    for (index, data) in config_maps.iter().enumerate() {
        for key in data.iter().flat_map(|data| data.keys()) {
            let mut changed = config_maps.clone();
            changed[index].as_mut().unwrap().insert(key, "~");
            let is_same = |value: &Value| value.from == bad.from && value.value.text == bad.value.text;
            if !values(gateway, &changed).iter().any(is_same) {
                sources.insert((index, *key));
            }
        }
    }
    sources
}

fn values(gateway: &Gateway, config_maps: &ConfigMaps) -> Vec<Value> {
    let environment = Environment::of(&started(&gateway.container, config_maps), &world(config_maps));
    let mut names = environment.names();
    names.extend(SPELLINGS.map(str::to_owned));
    let of_name = |name: String| {
        auth_setting(&name)?;
        Some(Value { value: environment.true_value(&name), from: name })
    };
    let mut values: Vec<Value> = names.into_iter().filter_map(of_name).collect();
    values.extend(assigned(gateway.args, &environment));
    values
}

/// The container when it starts: an optional key that is absent sets nothing. A label or an annotation of a Pod can be
/// changed without a write of its workload, so each field is unknown.
fn started(container: &Container, config_maps: &ConfigMaps) -> Container {
    let mut container = container.clone();
    container.env.retain(|entry| match &entry.from {
        Some(From::Key { of: Source::ConfigMap(name), key, .. }) => {
            data(config_maps, name).is_some_and(|data| data.contains_key(key))
        }
        _ => true,
    });
    for from in container.env.iter_mut().filter_map(|entry| entry.from.as_mut()) {
        if matches!(from, From::Field(_)) {
            *from = From::Field(Field::Other("metadata.name"));
        }
    }
    container
}

/// The data of a `ConfigMap`; `None` if it does not exist.
fn data<'c>(config_maps: &'c ConfigMaps, name: &str) -> Option<&'c Texts> {
    config_maps[GIVEN.iter().position(|given| *given == name).unwrap()].as_ref()
}

fn world(config_maps: &ConfigMaps) -> World {
    World {
        is_complete: true,
        given: config_maps.clone().map(Option::unwrap_or_default),
        binary: Vec::new(),
        not_given: None,
        secret: Some(Texts::new()),
        labels: Texts::new(),
        annotations: Texts::new(),
        containers: Vec::new(),
    }
}

/// What the arguments assign to the auth setting.
fn assigned(args: &[&str], environment: &Environment) -> Vec<Value> {
    let mut values = Vec::new();
    let mut words = args.iter().map(|word| expanded(word, |name| environment.true_value(name)));
    while let Some(word) = words.next() {
        let start = word.known_start.clone();
        let (is_option, name) = match (start.strip_prefix("--"), start.strip_prefix('/')) {
            (Some(name), _) | (None, Some(name)) => (true, name),
            (None, None) => (false, start.as_str()),
        };
        let value = match name.split_once('=') {
            Some((name, value)) => auth_setting(name).map(|_| rest(&word, value)),
            // a number, which is the only hidden text of digits here, names no setting
            None if word.text.as_deref().is_some_and(|text| text.trim().parse::<u32>().is_ok()) => None,
            // the unknown part can hold the rest of the name, and a key
            None if !word.is_known() => {
                let can_be = |spelling: &&&str| spelling.to_lowercase().starts_with(&name.to_lowercase());
                SPELLINGS.iter().find(can_be).map(|_| word.clone())
            }
            None if is_option => {
                let next = words.next();
                auth_setting(name).and(next)
            }
            None => None,
        };
        values.extend(value.map(|value| Value { from: "args".to_owned(), value }));
    }
    values
}

/// The value behind the `=` of a word.
fn rest(word: &TrueValue, known: &str) -> TrueValue {
    let text = word.text.as_deref().and_then(|text| text.split_once('=')).map(|(_, value)| value.to_owned());
    TrueValue { text, known_start: known.to_owned(), ..word.clone() }
}

/// Is it a direct way from this key, which is a name of the setting, to the setting?
pub(crate) fn is_under_its_own_name(gateway: &Gateway, index: usize, key: &str) -> bool {
    let is_this = |of: &Source| matches!(of, Source::ConfigMap(name) if *name == GIVEN[index]);
    let whole = gateway.container.env_from.iter().any(|entry| {
        is_this(&entry.of) && auth_setting(&format!("{}{key}", entry.prefix.unwrap_or_default())).is_some()
    });
    let single = gateway.container.env.iter().any(|entry| {
        matches!(&entry.from, Some(From::Key { of, key: taken, .. }) if is_this(of) && *taken == key)
            && auth_setting(entry.name).is_some()
    });
    auth_setting(key).is_some() && (whole || single)
}
