//! How the gateways of the input are deployed: as their manifests say, or as kustomizations change their names.

use super::reading::{SourceObject, Sources};
use crate::migration_sources::{Kustomizations, Overlay, generated_secrets};
use apim_keyless_core::migration::{MigratedGateway, Migration, Obsolete};
use apim_keyless_core::policy::shell_word;
use std::collections::{BTreeMap, BTreeSet};

/// The kustomizations that include each gateway's workload, by the index of the workload.
pub(super) struct Deployed<'s> {
    sources: &'s Sources,
    pub(super) kustomizations: Kustomizations<'s>,
    overlays: BTreeMap<usize, BTreeSet<Overlay>>,
}

/// A `ServiceAccount` or a workload as it is in the cluster.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeployedGateway {
    pub(super) namespace: String,
    pub(super) workload: String,
    pub(super) service_account: String,
    /// The `ConfigMap`s whose names are known: not those of generators, whose names end with a hash.
    pub(super) config_maps: Vec<String>,
}

impl<'s> Deployed<'s> {
    pub(super) fn of(sources: &'s Sources, migration: &Migration) -> Self {
        let kustomizations = sources.kustomizations();
        let of_gateway = |gateway: &MigratedGateway| {
            let file = sources.objects.get(gateway.index)?.place.file();
            let overlays = kustomizations.overlays_of(file);
            let without = || BTreeSet::from([Overlay::default()]);
            Some((gateway.index, if overlays.is_empty() { without() } else { overlays }))
        };
        let overlays = migration.gateways.iter().filter_map(of_gateway).collect();
        Self { sources, kustomizations, overlays }
    }

    /// The overlays of a gateway; an empty one if no kustomization includes it.
    pub(super) fn overlays(&self, gateway: &MigratedGateway) -> impl Iterator<Item = &Overlay> {
        self.overlays.get(&gateway.index).into_iter().flatten()
    }

    /// A gateway as each kustomization deploys it.
    pub(super) fn gateways(&self, gateway: &MigratedGateway) -> BTreeSet<DeployedGateway> {
        let deployed = |overlay: &Overlay| {
            let config_maps = gateway.config_maps.iter().filter(|name| !self.is_generated(gateway, name));
            DeployedGateway {
                namespace: namespace(gateway, overlay),
                workload: overlay.named(&gateway.object.name),
                service_account: self.named(gateway, overlay, ("ServiceAccount", &gateway.service_account)),
                config_maps: config_maps.map(|name| self.named(gateway, overlay, ("ConfigMap", name))).collect(),
            }
        };
        self.overlays(gateway).map(deployed).collect()
    }

    /// The objects of the gateway's namespace with this kind and name.
    fn objects<'o>(
        &'o self,
        gateway: &'o MigratedGateway,
        (kind, name): (&'o str, &'o str),
    ) -> impl Iterator<Item = &'o SourceObject> {
        self.sources.objects.iter().filter(move |source| {
            let is_same = source.text("/kind") == kind && source.text("/metadata/name") == name;
            is_same && source.namespace == gateway.object.namespace
        })
    }

    fn is_generated(&self, gateway: &MigratedGateway, name: &str) -> bool {
        self.objects(gateway, ("ConfigMap", name)).any(|source| source.other.is_some())
    }

    /// The name of an object of the gateway. An object of another kustomization, or of none, keeps its name.
    fn named(&self, gateway: &MigratedGateway, overlay: &Overlay, object: (&str, &str)) -> String {
        let mut objects = self.objects(gateway, object).peekable();
        let is_new = objects.peek().is_none();
        let is_included = |source: &SourceObject| {
            let overlays = self.kustomizations.overlays_of(source.place.file());
            overlays.iter().any(|other| other.folder == overlay.folder)
        };
        if is_new || objects.any(is_included) { overlay.named(object.1) } else { object.1.to_owned() }
    }

    /// What to do about an object that nothing needs any more: a command, or a sentence.
    pub(super) fn deletions(&self, obsolete: &Obsolete, gateways: &[&MigratedGateway]) -> BTreeSet<String> {
        let of_namespace = gateways.iter().filter(|gateway| gateway.object.namespace == obsolete.namespace);
        let lines: BTreeSet<String> = of_namespace
            .flat_map(|gateway| self.overlays(gateway).map(|overlay| self.deletion(obsolete, gateway, overlay)))
            .collect();
        let kind = obsolete.kind.to_ascii_lowercase();
        let own = || delete(&obsolete.namespace, &kind, &obsolete.name);
        if lines.is_empty() { BTreeSet::from([own()]) } else { lines }
    }

    fn deletion(&self, obsolete: &Obsolete, gateway: &MigratedGateway, overlay: &Overlay) -> String {
        let namespace = namespace(gateway, overlay);
        let kind = obsolete.kind.to_ascii_lowercase();
        let generated = if obsolete.kind == "Secret" { self.generated(&obsolete.name, overlay) } else { None };
        let name = match generated {
            Some((name, true)) => {
                return format!(
                    "- delete the generated Secrets named {name}-…: `kubectl get secrets -n {}` lists them",
                    shell_word(&namespace)
                );
            }
            Some((name, false)) => name,
            // a Secret that no file has was made in the cluster, and has its name
            None if obsolete.input.is_none() => obsolete.name.clone(),
            None => self.named(gateway, overlay, (&obsolete.kind, &obsolete.name)),
        };
        delete(&namespace, &kind, &name)
    }

    /// The name that a kustomization gives to a Secret of a generator, and whether a hash follows it.
    fn generated(&self, name: &str, overlay: &Overlay) -> Option<(String, bool)> {
        self.kustomizations.iter().find_map(|(file, value)| {
            let (_, has_hash) = generated_secrets(value).find(|(known, _)| *known == name)?;
            let overlays = self.kustomizations.overlays_of_kustomization(file);
            let own = overlays.iter().find(|other| other.folder == overlay.folder)?;
            Some((own.named(name), has_hash))
        })
    }
}

fn delete(namespace: &str, kind: &str, name: &str) -> String {
    format!("  kubectl delete -n {} {kind} {}", shell_word(namespace), shell_word(name))
}

fn namespace(gateway: &MigratedGateway, overlay: &Overlay) -> String {
    overlay.namespace.clone().unwrap_or_else(|| gateway.object.namespace.clone())
}
