//! Gateways that are left although they could be changed: another tool applies them again and would restore the key, or their
//! `ServiceAccount` is not the one that reaches a cluster.

use super::Planned;
use super::beside::{beside, read_beside};
use super::deployed::Deployed;
use super::files::{Declined, by_hand, objects_of};
use super::reading::{OtherSource, SourceObject, Sources, located};
use crate::migration_sources::{ChangedEntry, changed_in_files};
use apim_keyless_core::gateway::{Setting, WORKLOAD_IDENTITY};
use apim_keyless_core::migration::{MigratedGateway, Migration};
use apim_keyless_core::policy::Policy;
use apim_keyless_report::file_name;
use serde_json::Value;

/// Where a tool writes what it applied, and what that is. Only objects in a cluster have these marks.
const MARKS: [(&str, &str, &str); 5] = [
    ("annotations", "meta.helm.sh/release-name", "Helm release"),
    ("labels", "helm.toolkit.fluxcd.io/name", "HelmRelease"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"),
    ("annotations", "objectset.rio.cattle.io/id", "Fleet bundle"),
];

/// The gateways that would change, and that are left.
pub(super) fn declined(sources: &Sources, migration: &Migration) -> Vec<Declined> {
    let changed = migration.gateways.iter().filter(|gateway| gateway.is_changed);
    let declined = changed.filter_map(|gateway| {
        let applied = || applied_again(sources, gateway);
        let (message, by_hand) = unread_account(sources, gateway)
            .map(|message| (message, by_hand(gateway)))
            .or_else(|| Some((unread_config_map(sources, gateway)?, Vec::new())))
            .or_else(|| Some((applied()?, Vec::new())))
            .or_else(|| changed_files(sources, migration, gateway))?;
        Some(Declined { gateway: gateway.object.clone(), message: format!("not migrated: {message}"), by_hand })
    });
    declined.collect()
}

/// The gateways that kustomizations deploy with one client id in several namespaces, of which the policy gives one another
/// client id.
pub(super) fn with_unexpected_clients(sources: &Sources, planned: &Planned, policy: &Policy) -> Vec<Declined> {
    let deployed = Deployed::of(sources, planned);
    let declined = planned.changed_gateways().filter_map(|gateway| {
        let all = deployed.gateways(gateway);
        let mut expected = all.iter().filter(|_| all.len() > 1).filter_map(|at| {
            let client_id = at.client_id.as_deref()?;
            let client_ids = expected_clients(sources, &at.namespace, policy);
            let is_accepted = client_ids.iter().any(|expected| expected.eq_ignore_ascii_case(client_id));
            (!client_ids.is_empty() && !is_accepted).then_some((at, client_ids))
        });
        let (at, client_ids) = expected.next()?;
        let source = sources.objects.get(gateway.index)?;
        let message = format!(
            "not migrated: {}: Add a patch of ServiceAccount \"{}\" with annotation azure.workload.identity/client-id: {} to the \
             kustomization of namespace {}, and run the command again: the policy expects that client id there, and another \
             one in other namespaces of {}",
            located(&source.place, ""),
            gateway.service_account,
            client_ids.join(" or "),
            at.namespace,
            gateway.object,
        );
        Some(Declined { gateway: gateway.object.clone(), message, by_hand: Vec::new() })
    });
    declined.collect()
}

/// The client ids that a namespace expects.
fn expected_clients(sources: &Sources, namespace: &str, policy: &Policy) -> Vec<String> {
    let mut objects = sources.objects.iter();
    let found = objects
        .find(|source| source.text("/kind") == "Namespace" && source.text("/metadata/name") == namespace)
        .and_then(|source| source.value.pointer("/metadata/annotations")?.as_object());
    let annotations =
        found.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    policy.expectations(namespace, &annotations.collect()).client_ids
}

/// What to do if another tool applied the workload of a gateway.
fn applied_again(sources: &Sources, gateway: &MigratedGateway) -> Option<String> {
    let source = sources.objects.get(gateway.index)?;
    let (map, key, tool, name) = applied_by(source)?;
    Some(format!(
        "{}: change the source of {} instead: {tool} \"{name}\" applied this object, and would apply it with the key again. \
         Give that source to this command, or remove {key} here if nothing applies the object any more",
        located(&source.place, &format!("/metadata/{map}/{}", key.replace('/', "~1"))),
        gateway.object,
    ))
}

/// What to do if the `ServiceAccount` of a gateway has placeholders or is encrypted: a second one of its name cannot be added.
fn unread_account(sources: &Sources, gateway: &MigratedGateway) -> Option<String> {
    let name = gateway.service_account.as_str();
    let mut accounts = sources.find("ServiceAccount", &gateway.object.namespace, name);
    let (_, account) = accounts.find(|(_, account)| account.object.is_none())?;
    Some(format!(
        "{}: change {} and this ServiceAccount by hand, or give what they are rendered to: the ServiceAccount has \
         placeholders, or is encrypted; by hand:",
        located(&account.place, ""),
        gateway.object,
    ))
}

/// What to do if a `ConfigMap` that a gateway takes can set another method, and has placeholders or is encrypted.
fn unread_config_map(sources: &Sources, gateway: &MigratedGateway) -> Option<String> {
    let key = |source: &SourceObject| {
        let mut data = source.value.get("data")?.as_object()?.iter();
        let is_it = |(name, value): &(&String, &Value)| {
            Setting::of(name) == Some(Setting::Auth) && value.as_str() != Some(WORKLOAD_IDENTITY)
        };
        data.find(is_it).map(|(name, _)| format!("/data/{}", name.replace('~', "~0").replace('/', "~1")))
    };
    let mut unread =
        objects_of(sources, gateway).filter(|(_, source)| source.object.is_none() && source.other.is_none());
    let (place, name) = unread.find_map(|(_, source)| {
        let key = key(source).filter(|_| source.text("/kind") == "ConfigMap")?;
        Some((located(&source.place, &key), source.text("/metadata/name").to_owned()))
    })?;
    Some(format!(
        "{place}: remove this setting from ConfigMap \"{name}\", or give what the file is rendered to: {} takes it, and it has \
         placeholders or is encrypted",
        gateway.object,
    ))
}

/// What to do if entries have to change that a generator of Kustomize reads from files, and the places of the others.
fn changed_files(sources: &Sources, migration: &Migration, gateway: &MigratedGateway) -> Option<(String, Vec<String>)> {
    objects_of(sources, gateway).find_map(|(index, source)| {
        let Some(OtherSource::Generator(generator)) = source.other else { return None };
        let new = migration.changed.get(index)?.as_ref()?;
        let file = source.place.file();
        let is_it =
            |other: &&SourceObject| other.other == Some(OtherSource::Kustomization) && other.place.file() == file;
        // it follows its generators
        let kustomization = sources.objects.iter().skip(index).find(is_it)?;
        let read = |name: &str| read_beside(file, name);
        let changed = changed_in_files(&kustomization.value, generator, new, &read);
        let shown = |ChangedEntry { file: name, line, what_to_do }: &ChangedEntry| {
            format!("{}:{line}: {what_to_do}", file_name(&beside(file, name).to_string_lossy()))
        };
        let (first, others) = changed.split_first()?;
        let message = format!("{}, and run the command again: a generator of Kustomize reads this line", shown(first));
        Some((message, others.iter().map(shown).collect()))
    })
}

/// The member of the metadata, the tool, and the name of what applied an object.
fn applied_by(source: &SourceObject) -> Option<(&'static str, &'static str, &'static str, String)> {
    MARKS.iter().find_map(|(map, key, tool)| {
        let name = source.value.get("metadata")?.get(*map)?.get(*key).and_then(Value::as_str)?;
        // Argo CD adds the object behind a colon
        let name = name.split(':').next().unwrap_or_default().to_owned();
        Some((*map, *key, *tool, name))
    })
}
