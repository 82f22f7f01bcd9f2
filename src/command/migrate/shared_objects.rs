//! New objects that gateways of several files share: what builds one of the files alone needs them, too.

use super::reading::{SourceObject, Sources};
use crate::migration_sources::{Kustomizations, Overlay};
use apim_keyless_core::migration::{Created, Migration};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// Where an object is needed: its namespace. With a prefix or a suffix, Kustomize only renames references to an object that it
/// builds itself, so then also what builds it.
type Need = (String, Option<(PathBuf, Option<usize>)>);

/// A gateway that takes a new object, which can be placed before its workload.
struct Taker {
    /// The index of its workload.
    index: usize,
    needs: BTreeSet<Need>,
    /// What builds its file.
    built_by: BTreeSet<(PathBuf, Option<usize>)>,
}

/// The workloads of the changed gateways that take an object, by its kind, namespace and name.
type Takers = HashMap<(String, String, String), Vec<usize>>;

/// Places each new object so that it is in everything that needs it, and in nothing twice.
pub(super) fn place(sources: &Sources, migration: &mut Migration) {
    if migration.created.is_empty() {
        return;
    }
    let kustomizations = sources.kustomizations();
    let mut all = Takers::new();
    for gateway in migration.gateways.iter().filter(|gateway| gateway.is_changed) {
        for (kind, name) in gateway.objects() {
            let object = (kind.to_owned(), gateway.object.namespace.clone(), name.to_owned());
            all.entry(object).or_default().push(gateway.index);
        }
    }
    let (mut placed, mut missing): (Vec<Created>, HashMap<usize, Vec<String>>) = (Vec::new(), HashMap::new());
    for created in std::mem::take(&mut migration.created) {
        let (kind, name) = (text(&created.value, "/kind"), text(&created.value, "/metadata/name"));
        let takers = all.get(&(kind.to_owned(), created.namespace.clone(), name.to_owned()));
        let takers = takers_apart(sources, &kustomizations, &created, takers.map_or(&[], Vec::as_slice));
        let hosts = hosts(&takers, created.for_object);
        let in_hosts: BTreeSet<&Need> = hosts.iter().flat_map(|host| &host.needs).collect();
        for taker in takers.iter().filter(|taker| taker.needs.iter().any(|need| !in_hosts.contains(need))) {
            missing.entry(taker.index).or_default().push(format!(
                "Add {kind} \"{name}\" to each kustomization that deploys this workload without it: it is in a file that not \
                 all of them include"
            ));
        }
        if hosts.is_empty() {
            placed.push(created);
        } else {
            placed.extend(hosts.iter().map(|host| at_workload(sources, &created, host.index)));
        }
    }
    migration.created = placed;
    for gateway in &mut migration.gateways {
        gateway.to_do.extend(missing.remove(&gateway.index).unwrap_or_default());
    }
}

/// The takers of a new object; none if they are all in one file.
fn takers_apart(
    sources: &Sources,
    kustomizations: &Kustomizations<'_>,
    created: &Created,
    takers: &[usize],
) -> Vec<Taker> {
    let workloads = takers.iter().filter_map(|index| Some((*index, sources.objects.get(*index)?)));
    let files: BTreeSet<&str> = workloads.clone().map(|(_, source)| source.place.file()).collect();
    if files.len() < 2 {
        return Vec::new();
    }
    let overlays: HashMap<&str, BTreeSet<Overlay>> =
        files.into_iter().map(|file| (file, kustomizations.deployments_of(file))).collect();
    let none = BTreeSet::from([Overlay::default()]);
    let taker = |(index, source): (usize, &SourceObject)| {
        let own = Some(text(&source.value, "/metadata/namespace")).filter(|name| !name.is_empty());
        let overlays = overlays.get(source.place.file()).filter(|overlays| !overlays.is_empty());
        let need = |overlay: &Overlay| {
            let is_renamed = !overlay.prefix.is_empty() || !overlay.suffix.is_empty();
            let namespace = overlay.namespace_of(own).unwrap_or_else(|| created.namespace.clone());
            (namespace, is_renamed.then(|| built_by(overlay)))
        };
        let needs = overlays.unwrap_or(&none).iter().map(need).collect();
        Taker { index, needs, built_by: overlays.into_iter().flatten().map(built_by).collect() }
    };
    workloads.map(taker).collect()
}

fn built_by(overlay: &Overlay) -> (PathBuf, Option<usize>) {
    (overlay.folder.clone(), overlay.deployer)
}

/// The gateways that get the object: the present one if it is enough, else another one that is enough, else several of which
/// nothing builds two.
fn hosts(takers: &[Taker], present: usize) -> Vec<&Taker> {
    let mut ordered: Vec<&Taker> = takers.iter().collect();
    ordered.sort_by_key(|taker| (Reverse(taker.needs.len()), taker.index != present, taker.index));
    let (mut met, mut built): (BTreeSet<&Need>, BTreeSet<&(PathBuf, Option<usize>)>) = Default::default();
    ordered.retain(|taker| {
        let is_needed = taker.needs.iter().any(|need| !met.contains(need));
        let is_host = is_needed && taker.built_by.iter().all(|by| !built.contains(by));
        if is_host {
            met.extend(&taker.needs);
            built.extend(&taker.built_by);
        }
        is_host
    });
    ordered
}

/// A new object for the workload with this index, which names a namespace if the workload does.
fn at_workload(sources: &Sources, created: &Created, index: usize) -> Created {
    let mut new = Created { for_object: index, ..created.clone() };
    let own = sources.objects.get(index).and_then(|source| source.value.pointer("/metadata/namespace"));
    if let Some(metadata) = new.value.get_mut("metadata").and_then(Value::as_object_mut) {
        match own.filter(|_| index != created.for_object) {
            Some(own) => _ = metadata.insert("namespace".to_owned(), own.clone()),
            None if index != created.for_object => _ = metadata.remove("namespace"),
            None => {}
        }
    }
    new
}

fn text<'v>(value: &'v Value, at: &str) -> &'v str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}
