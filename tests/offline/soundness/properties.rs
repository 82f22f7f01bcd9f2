//! The properties, and their only exceptions.

use super::decisions::View;
use super::reading::{Reading, auth_setting, is_under_its_own_name};
use super::search::{both, settings, shows_good};
use super::state::{Seen, WorkloadState, World};
use super::universe::{GOOD, Gateway};
use crate::environment::world::{From, Source, Texts};

/// Why a container of an enforced namespace may read a key nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exception {
    /// The workload is older than the enforcement, and holds the key or refers to it.
    OldWorkload,
    /// The workload is older than the enforcement, and takes the setting from a key of a `ConfigMap` that has another
    /// name. Whoever writes the key later writes an innocent `ConfigMap`.
    OldWorkloadWithIndirectKey,
    /// The workload and the `ConfigMap` with the key are older than the enforcement.
    OldWorkloadAndConfigMap,
    /// The `ConfigMap` is older than the enforcement, and the cache did not show it when the workload was written.
    MissedConfigMap,
    /// The `ConfigMap` was written while the namespace was not enforced, after the workload was admitted.
    ConfigMapWrittenWithoutEnforcement,
    /// The image is not the gateway's, and no `env` entry names a setting: the workload is not known to be a gateway.
    UnrecognizedGateway,
}

impl Exception {
    /// The number of exceptions.
    pub(crate) const COUNT: usize = 6;
}

/// No admitted write brings a container to read a key, or something unknown.
pub(crate) fn reading(gateway: &Gateway, world: &World, reading: &Reading) -> Result<Vec<Exception>, String> {
    if !world.is_enforced {
        return Ok(Vec::new());
    }
    let is_old = world.workload == WorkloadState::Old;
    let mut exceptions = Vec::new();
    if reading.in_workload {
        exceptions.push(match () {
            () if is_old => Exception::OldWorkload,
            () if is_unrecognized(gateway) => Exception::UnrecognizedGateway,
            () => return Err("an admitted workload reads a key that no ConfigMap holds".to_owned()),
        });
    }
    for (index, key) in &reading.through {
        let config_map = world.config_maps[*index];
        exceptions.push(match (is_under_its_own_name(gateway, *index, key), is_old, config_map.seen) {
            (true, true, _) if config_map.is_old => Exception::OldWorkloadAndConfigMap,
            (true, false, Seen::Missed) if config_map.is_old => Exception::MissedConfigMap,
            (true, false, Seen::Later) if config_map.is_old => Exception::ConfigMapWrittenWithoutEnforcement,
            (true, ..) if !config_map.is_old => {
                return Err(format!("a ConfigMap with a key in {key} is admitted"));
            }
            (false, true, _) => Exception::OldWorkloadWithIndirectKey,
            _ if is_unrecognized(gateway) => Exception::UnrecognizedGateway,
            _ => return Err(format!("an admitted workload reads a key from {key} of a ConfigMap")),
        });
    }
    Ok(exceptions)
}

/// Is it a gateway of another image that takes every setting from somewhere else?
fn is_unrecognized(gateway: &Gateway) -> bool {
    let is_setting = |name: &str| name == "config.service.endpoint" || auth_setting(name).is_some();
    gateway.has_other_image && !gateway.container.env.iter().any(|entry| is_setting(entry.name))
}

/// A `ConfigMap` is admitted exactly if every value of the auth setting in it is `workloadIdentity`.
pub(crate) fn config_map(old: Option<&Texts>, new: &Texts, is_admitted: bool) -> Result<(), String> {
    let is_correct = settings(Some(new)).iter().all(|(key, text)| *text == GOOD && !key.ends_with("key"));
    let has_change = old.is_none() || settings(old) != settings(Some(new));
    match (is_correct, is_admitted) {
        (true, false) => Err(format!("a correct ConfigMap is denied: {new:?}")),
        (false, true) if has_change => Err(format!("a ConfigMap with a key is admitted: {new:?}")),
        _ => Ok(()),
    }
}

/// What the review of a workload decides by itself.
pub(crate) fn workload(gateway: &Gateway, views: &[View; 2], denied_by: &[&str]) -> Result<(), String> {
    if is_permitted(gateway, views) && !denied_by.is_empty() {
        return Err(format!("a correct workload is denied by {denied_by:?}"));
    }
    if lacks_method(gateway, views) && denied_by.is_empty() {
        return Err("a workload with an endpoint and without an auth method is admitted".to_owned());
    }
    if has_key_beside_unknown_text(gateway) && !denied_by.contains(&"auth-key-literal") {
        return Err(format!("a key beside unknown text is not called a key: {denied_by:?}"));
    }
    Ok(())
}

/// Does it take the setting only in forms that the policy permits, and do the `ConfigMap`s hold no key?
fn is_permitted(gateway: &Gateway, views: &[View; 2]) -> bool {
    let Some(config_maps) = both(views).filter(|_| shows_good(views)) else { return false };
    let container = &gateway.container;
    let entries = container.env.iter().all(|entry| match (entry.name, entry.value.as_deref(), &entry.from) {
        ("A", value, from) => from.is_none() && !value.unwrap_or_default().contains("--config"),
        (name, value, None) if auth_setting(name).is_some() => value == Some(GOOD) && !name.ends_with("key"),
        (name, _, Some(From::Key { of: Source::ConfigMap(_), key, .. })) if auth_setting(name).is_some() => {
            auth_setting(key) == auth_setting(name)
        }
        (name, ..) => auth_setting(name).is_none(),
    });
    let sources = container.env_from.iter().all(|entry| match (entry.of, entry.prefix.unwrap_or_default()) {
        (_, "telemetry." | "P_") => true,
        (Source::ConfigMap(_), prefix) => ["", "DOTNET_"].contains(&prefix),
        (Source::Secret, _) => false,
    });
    let args = gateway.args.iter().all(|arg| !arg.to_lowercase().contains("auth") && !arg.starts_with('$'));
    let reading = Reading::of(gateway, &config_maps);
    let takes_endpoint =
        container.env_from.iter().any(|entry| matches!(entry.of, Source::ConfigMap("first")) && entry.prefix.is_none());
    entries && sources && args && reading.has_method && takes_endpoint
}

/// Is it certain that it has an endpoint of its own and no auth method?
fn lacks_method(gateway: &Gateway, views: &[View; 2]) -> bool {
    let Some(config_maps) = both(views) else { return false };
    let container = &gateway.container;
    let takes_none = container.env_from.iter().all(|entry| {
        matches!(entry.of, Source::ConfigMap(_)) && entry.prefix == Some("telemetry.") && entry.optional.is_none()
    });
    let exists = container.env_from.is_empty() || config_maps.iter().all(Option::is_some);
    container.env.iter().any(|entry| entry.name == "config.service.endpoint")
        && takes_none
        && exists
        && gateway.args.is_empty()
        && container.env.iter().all(|entry| entry.from.is_none())
        && !Reading::of(gateway, &config_maps).has_method
}

/// Does an entry hold a whole key before or behind text that no object shows?
fn has_key_beside_unknown_text(gateway: &Gateway) -> bool {
    let mut entries = gateway.container.env.iter();
    let is_a = |name: &str| name == "A";
    let at = entries.position(|entry| is_a(entry.name) && matches!(entry.from, Some(From::Resource)));
    let Some(at) = at else { return false };
    let later = &gateway.container.env[at + 1..];
    later
        .iter()
        .take_while(|entry| !is_a(entry.name))
        .any(|entry| entry.value.as_deref().is_some_and(|value| value.contains("GatewayKey") && value.contains("$(A)")))
}
