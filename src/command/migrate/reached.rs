//! The gateways and releases of manifests that another source changes when their objects are built.

use super::reading::{OtherSource, SourceObject, SourceType, Sources};
use crate::migration_sources::{Kustomizations, Overlay, gateways_of_charts, has_changes};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::Migration;
use apim_keyless_manifest::normalized;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Where each gateway is built from.
pub(super) struct ReachedGateways<'s> {
    kustomizations: Kustomizations<'s>,
    /// By the index of a workload or a release: its folder and the folders of the kustomizations that are built with it.
    folders: BTreeMap<usize, BTreeSet<PathBuf>>,
    /// By the same index: the indices of the objects of Flux and Argo CD that deploy it.
    deployers: BTreeMap<usize, BTreeSet<usize>>,
    /// The folders of the kustomizations that are built with a gateway that is left as it is.
    left: BTreeSet<PathBuf>,
}

impl<'s> ReachedGateways<'s> {
    /// Finds them. `excluded` are gateways and other sources whose text cannot be changed.
    pub(super) fn of(sources: &'s Sources, migration: &Migration, excluded: &HashSet<ObjectReference>) -> Self {
        let kustomizations = sources.kustomizations();
        let folders_of = |file: &str| {
            let own = normalized(Path::new(file)).parent().map(Path::to_owned);
            let built = kustomizations.overlays_of(file).into_iter().map(|overlay| overlay.folder);
            own.into_iter().chain(built).collect::<BTreeSet<PathBuf>>()
        };
        let workloads =
            migration.gateways.iter().filter_map(|gateway| Some((gateway.index, sources.objects.get(gateway.index)?)));
        let releases = sources.objects.iter().enumerate().filter(|(_, source)| match source.source_type() {
            SourceType::HelmRelease | SourceType::ArgoApplication => true,
            SourceType::Kustomization => {
                source.other == Some(OtherSource::Kustomization) && !gateways_of_charts(&source.value).is_empty()
            }
            _ => false,
        });
        let (mut folders, mut deployers) = (BTreeMap::new(), BTreeMap::new());
        for (index, source) in workloads.chain(releases) {
            let deployments = deployments(&kustomizations, source).into_iter();
            folders.insert(index, folders_of(source.place.file()));
            deployers.insert(index, deployments.filter_map(|overlay| overlay.deployer).collect());
        }
        let is_missing: HashSet<usize> = migration.missing.iter().filter_map(|missing| missing.index).collect();
        let is_left = |(index, source): &(usize, &SourceObject)| {
            is_missing.contains(index)
                || match (&source.object, source.other) {
                    (Some(object), None) => excluded.contains(&object.reference),
                    // the reference of another source has its line: its file is read
                    _ => source.is_other() && !excluded.is_empty() && excluded.contains(&source.reference()),
                }
        };
        let left = sources.objects.iter().enumerate().filter(is_left);
        let left = left.flat_map(|(_, source)| folders_of(source.place.file())).collect();
        Self { kustomizations, folders, deployers, left }
    }

    /// Whether gateways that the kustomization with this index builds are left as they are, and all that it can change.
    pub(super) fn is_left(&self, index: usize, source: &SourceObject) -> bool {
        let (roots, _) = self.built_by(index, source);
        !self.left.is_disjoint(&roots) && self.by(index, source).is_empty()
    }

    /// By the index of a source: the indices of the workloads and releases that it can change.
    pub(super) fn by_source(&self, sources: &Sources) -> BTreeMap<usize, Vec<usize>> {
        let others = sources.objects.iter().enumerate().filter(|(_, source)| source.other.is_some());
        others.map(|(index, source)| (index, self.by(index, source))).collect()
    }

    /// Whether the source with this index is applied in an overlay.
    pub(super) fn is_built_in(&self, sources: &Sources, index: usize, overlay: &Overlay) -> bool {
        let Some(source) = sources.objects.get(index) else { return false };
        let (folders, deployers) = self.built_by(index, source);
        folders.contains(&overlay.folder) || overlay.deployer.is_some_and(|deployer| deployers.contains(&deployer))
    }

    /// The folders of the built kustomizations that the source with this index is in, and the objects of Flux and Argo CD that
    /// it is or that add it.
    pub(super) fn built_by(&self, index: usize, source: &SourceObject) -> (BTreeSet<PathBuf>, BTreeSet<usize>) {
        if source.source_type() != SourceType::Kustomization {
            return (BTreeSet::new(), BTreeSet::from([index]));
        }
        let file = source.place.file();
        let roots = self.kustomizations.overlays_of_kustomization(file).into_iter();
        let roots = roots.map(|overlay| overlay.folder).collect();
        (roots, self.kustomizations.deployers_with_component(file))
    }

    /// The indices of the workloads and releases that one of these objects of Flux or Argo CD deploys.
    pub(super) fn deployed_by(&self, deployers: &BTreeSet<usize>) -> Vec<usize> {
        let own = self.deployers.iter().filter(|(_, of_gateway)| !of_gateway.is_disjoint(deployers));
        own.map(|(index, _)| *index).collect()
    }

    /// The indices of the workloads and releases that the source with this index can change.
    pub(super) fn by(&self, index: usize, source: &SourceObject) -> Vec<usize> {
        let (roots, deployers) = self.built_by(index, source);
        match source.source_type() {
            SourceType::Kustomization => {
                let own = self.folders.iter().filter(|(_, folders)| !folders.is_disjoint(&roots));
                let own = own.map(|(index, _)| *index).chain(self.deployed_by(&deployers));
                own.collect::<BTreeSet<usize>>().into_iter().collect()
            }
            SourceType::FluxKustomization | SourceType::ArgoApplication if has_changes(&source.value) => {
                let reached = self.deployed_by(&deployers);
                // a folder that is not in the input can have each of them
                if reached.is_empty() { self.folders.keys().copied().collect() } else { reached }
            }
            _ => Vec::new(),
        }
    }
}

/// By the index of a workload or a release: the indices of the sources that can change it.
pub(super) fn patching(by_source: &BTreeMap<usize, Vec<usize>>) -> BTreeMap<usize, Vec<usize>> {
    let mut patching: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (source, reached) in by_source {
        for reached in reached {
            patching.entry(*reached).or_default().push(*source);
        }
    }
    patching
}

/// The ways in which an object, or what a kustomization builds, is deployed.
pub(super) fn deployments(kustomizations: &Kustomizations<'_>, source: &SourceObject) -> BTreeSet<Overlay> {
    let file = source.place.file();
    if source.other == Some(OtherSource::Kustomization) {
        kustomizations.deployments_of_kustomization(file)
    } else {
        kustomizations.deployments_of(file)
    }
}
