//! The gateways and releases of manifests that another source changes when their objects are built.

use super::reading::{OtherSource, SourceObject, SourceType, Sources};
use crate::migration_sources::{Kustomizations, changes_built_objects, gateways_of_charts};
use apim_keyless_core::migration::Migration;
use apim_keyless_manifest::normalized;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where each gateway is built from.
pub(super) struct ReachedGateways<'s> {
    kustomizations: Kustomizations<'s>,
    /// By the index of a workload or a release: its folder and the folders of the kustomizations that are built with it.
    folders: BTreeMap<usize, BTreeSet<PathBuf>>,
}

impl<'s> ReachedGateways<'s> {
    pub(super) fn of(sources: &'s Sources, migration: &Migration) -> Self {
        let kustomizations = sources.kustomizations();
        let of_source = |index: usize, file: &str| {
            let own = normalized(Path::new(file)).parent().map(Path::to_owned);
            let built = kustomizations.overlays_of(file).into_iter().map(|overlay| overlay.folder);
            Some((index, own.into_iter().chain(built).collect::<BTreeSet<PathBuf>>()))
        };
        let workloads = migration
            .gateways
            .iter()
            .filter_map(|gateway| of_source(gateway.index, sources.objects.get(gateway.index)?.place.file()));
        let releases = sources.objects.iter().enumerate().filter(|(_, source)| match source.source_type() {
            SourceType::HelmRelease | SourceType::ArgoApplication => true,
            SourceType::Kustomization => {
                source.other == Some(OtherSource::Kustomization) && !gateways_of_charts(&source.value).is_empty()
            }
            _ => false,
        });
        let folders = workloads.chain(releases.filter_map(|(index, source)| of_source(index, source.place.file())));
        let folders = folders.collect();
        Self { kustomizations, folders }
    }

    /// The indices of the workloads and releases that a source can change.
    pub(super) fn by(&self, source: &SourceObject) -> Vec<usize> {
        let (file, is_wanted) = (source.place.file(), |wanted: &dyn Fn(&BTreeSet<PathBuf>) -> bool| {
            let reached = self.folders.iter().filter(|(_, folders)| wanted(folders));
            reached.map(|(index, _)| *index).collect::<Vec<usize>>()
        });
        match source.source_type() {
            SourceType::Kustomization => {
                let roots = self.kustomizations.overlays_of_kustomization(file).into_iter();
                let roots: BTreeSet<PathBuf> = roots.map(|overlay| overlay.folder).collect();
                is_wanted(&|folders| !folders.is_disjoint(&roots))
            }
            SourceType::FluxKustomization | SourceType::ArgoApplication => {
                let paths = paths(&source.value);
                if paths.is_empty() {
                    return Vec::new();
                }
                // the path begins at the root of a repository, which is not known
                let is_path =
                    |folder: &PathBuf| folder.ancestors().any(|folder| paths.iter().any(|path| folder.ends_with(path)));
                let reached = is_wanted(&|folders| folders.iter().any(is_path));
                if reached.is_empty() { self.folders.keys().copied().collect() } else { reached }
            }
            _ => Vec::new(),
        }
    }
}

/// The folders that a `Kustomization` of Flux or an application of Argo CD builds and changes.
fn paths(object: &Value) -> Vec<PathBuf> {
    let sources = ["/spec", "/spec/source", "/spec/template/spec/source"].into_iter();
    let lists = ["/spec/sources", "/spec/template/spec/sources"].into_iter();
    let listed = lists.filter_map(|list| object.pointer(list)?.as_array()).flatten();
    let sources = sources.filter_map(|place| object.pointer(place)).chain(listed);
    let path = |source: &Value| normalized(Path::new(source.get("path").and_then(Value::as_str).unwrap_or_default()));
    sources.filter(|source| changes_built_objects(source)).map(path).collect()
}
