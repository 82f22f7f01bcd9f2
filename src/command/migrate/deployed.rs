//! How the gateways of the input are deployed: as their manifests say, or as kustomizations change their names.

use super::Planned;
use super::reached::deployments;
use super::reading::{SourceObject, Sources};
use crate::migration_sources::{
    Deployer, Kustomizations, Overlay, SourceContext, SourceReport, deployed_report, generated_secrets,
};
use apim_keyless_core::migration::{MigratedGateway, Obsolete, taken_secrets};
use apim_keyless_core::policy::shell_word;
use apim_keyless_manifest::FileContent;
use jsonptr::PointerBuf;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// The namespaces in which an object is deployed; `None` if they are not known.
pub(super) type Namespaces = Option<BTreeSet<String>>;

/// The kustomizations that include each gateway's workload.
pub(super) struct Deployed<'s> {
    sources: &'s Sources,
    pub(super) kustomizations: Kustomizations<'s>,
    client_ids: &'s [PatchedClientId],
    /// The overlays of each file that a kustomization includes.
    of_file: HashMap<&'s str, BTreeSet<Overlay>>,
    /// The overlays of the changed gateways of each namespace; an empty one for those that no kustomization includes.
    of_namespace: HashMap<&'s str, BTreeSet<Overlay>>,
    /// The same of the gateways that take a Secret, by its namespace and name.
    of_secret: HashMap<(String, String), BTreeSet<Overlay>>,
}

/// A `ServiceAccount` or a workload as it is in the cluster.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeployedGateway {
    pub(super) namespace: String,
    pub(super) workload: String,
    pub(super) service_account: String,
    pub(super) client_id: Option<String>,
    /// The `ConfigMap`s whose names are known: not those of generators, whose names end with a hash.
    pub(super) config_maps: Vec<String>,
}

/// A client id that a patch gives to the `ServiceAccount` of a gateway.
pub(super) struct PatchedClientId {
    /// The index of the gateway's workload.
    pub(super) gateway: usize,
    /// The folders of the built kustomizations that have the patch.
    pub(super) folders: BTreeSet<PathBuf>,
    /// The indices of the objects of Flux and Argo CD that have the patch.
    pub(super) deployers: BTreeSet<usize>,
    pub(super) client_id: String,
}

impl PatchedClientId {
    /// Whether what deploys an overlay has the patch. Its patches are applied last.
    fn is_of_deployer(&self, overlay: &Overlay) -> bool {
        overlay.deployer.is_some_and(|deployer| self.deployers.contains(&deployer))
    }
}

impl<'s> Deployed<'s> {
    pub(super) fn of(sources: &'s Sources, planned: &'s Planned) -> Self {
        let (migration, client_ids) = (&planned.migration, planned.other.client_ids.as_slice());
        let kustomizations = sources.kustomizations();
        let files: BTreeSet<&str> = sources.objects.iter().map(|source| source.place.file()).collect();
        let of_file = files.into_iter().map(|file| (file, kustomizations.deployments_of(file))).collect();
        let (of_namespace, of_secret) = (HashMap::new(), HashMap::new());
        let mut deployed = Self { sources, kustomizations, client_ids, of_file, of_namespace, of_secret };
        for gateway in migration.gateways.iter().filter(|gateway| gateway.is_changed) {
            let (overlays, namespace) = (deployed.overlays(gateway), gateway.object.namespace.as_str());
            let workload = sources.objects.get(gateway.index).map(|source| taken_secrets(&source.value));
            for secret in workload.into_iter().flatten() {
                deployed
                    .of_secret
                    .entry((namespace.to_owned(), secret.to_owned()))
                    .or_default()
                    .extend(overlays.iter().cloned());
            }
            deployed.of_namespace.entry(namespace).or_default().extend(overlays);
        }
        deployed
    }

    /// The overlays of a gateway, with its namespace in each; an empty one if nothing changes its names.
    fn overlays(&self, gateway: &MigratedGateway) -> BTreeSet<Overlay> {
        let source = self.sources.objects.get(gateway.index);
        let overlays = source.and_then(|source| self.of_file.get(source.place.file()));
        let own = source.and_then(own_namespace);
        let overlays = overlays.into_iter().flatten();
        let with_namespace = overlays.map(|overlay| {
            let namespace = overlay.namespace_of(own);
            Overlay { namespace, ..overlay.clone() }
        });
        let overlays: BTreeSet<Overlay> = with_namespace.collect();
        if overlays.is_empty() { BTreeSet::from([Overlay::default()]) } else { overlays }
    }

    /// A gateway as each kustomization deploys it.
    pub(super) fn gateways(&self, gateway: &MigratedGateway) -> BTreeSet<DeployedGateway> {
        let deployed = |overlay: &Overlay| {
            let config_maps = gateway.config_maps.iter().filter(|name| !self.is_generated(gateway, name));
            DeployedGateway {
                namespace: namespace(&gateway.object.namespace, overlay),
                client_id: self.client_id(gateway, overlay).map(str::to_owned),
                workload: overlay.named(&gateway.object.name),
                service_account: self.named(
                    &gateway.object.namespace,
                    overlay,
                    ("ServiceAccount", &gateway.service_account),
                ),
                config_maps: config_maps
                    .map(|name| self.named(&gateway.object.namespace, overlay, ("ConfigMap", name)))
                    .collect(),
            }
        };
        self.overlays(gateway).iter().map(deployed).collect()
    }

    /// The client id of a gateway in an overlay: a patch can change it.
    fn client_id<'g>(&'g self, gateway: &'g MigratedGateway, overlay: &Overlay) -> Option<&'g str> {
        let of_gateway = || self.client_ids.iter().filter(|patched| patched.gateway == gateway.index).rev();
        let of_deployer = of_gateway().find(|patched| patched.is_of_deployer(overlay));
        let patched = of_deployer.or_else(|| of_gateway().find(|patched| patched.folders.contains(&overlay.folder)));
        patched.map(|patched| patched.client_id.as_str()).or(gateway.client_id.as_deref())
    }

    /// The namespaces of an object: its own, or those that kustomizations give to it.
    pub(super) fn namespaces(&self, source: &SourceObject) -> Namespaces {
        let own = own_namespace(source);
        let overlays = self.of_file.get(source.place.file()).filter(|overlays| !overlays.is_empty());
        let Some(overlays) = overlays else { return own.map(|name| BTreeSet::from([name.to_owned()])) };
        overlays.iter().map(|overlay| overlay.namespace_of(own)).collect()
    }

    /// An object as each kustomization deploys it: its namespace and its name.
    pub(super) fn names_of(&self, source: &SourceObject) -> BTreeSet<(String, String)> {
        let name = source.text("/metadata/name");
        let overlays = self.of_file.get(source.place.file()).filter(|overlays| !overlays.is_empty());
        let Some(overlays) = overlays else {
            return BTreeSet::from([(source.namespace.clone(), name.to_owned())]);
        };
        let own = own_namespace(source);
        let namespace = |overlay: &Overlay| overlay.namespace_of(own).unwrap_or_else(|| source.namespace.clone());
        overlays.iter().map(|overlay| (namespace(overlay), overlay.named(name))).collect()
    }

    /// The namespaces in which an object can be that nothing needs any more.
    pub(super) fn namespaces_of(&self, obsolete: &Obsolete) -> BTreeSet<String> {
        let overlays = self.overlays_with(obsolete).map(|overlay| namespace(&obsolete.namespace, overlay));
        let namespaces: BTreeSet<String> = overlays.collect();
        if namespaces.is_empty() { BTreeSet::from([obsolete.namespace.clone()]) } else { namespaces }
    }

    /// The ways in which a file, which can be a kustomization, is deployed; none if it is applied as it is.
    pub(super) fn deployments(&self, file: &str) -> BTreeSet<Overlay> {
        let mut deployments = self.of_file.get(file).cloned().unwrap_or_default();
        if self.kustomizations.iter().any(|(kustomization, _)| kustomization == file) {
            deployments.extend(self.kustomizations.deployments_of_kustomization(file));
        }
        deployments
    }

    /// The names that a Secret of a namespace can have in the cluster, and its own.
    pub(super) fn names(&self, namespace: &str, secret: &str) -> BTreeSet<String> {
        let overlays = self.of_namespace.get(namespace).into_iter().flatten();
        overlays.map(|overlay| overlay.named(secret)).chain([secret.to_owned()]).collect()
    }

    fn is_generated(&self, gateway: &MigratedGateway, name: &str) -> bool {
        let mut found = self.sources.find("ConfigMap", &gateway.object.namespace, name);
        found.any(|(_, source)| source.other.is_some())
    }

    /// The name of an object of a namespace. An object of another kustomization, or of none, keeps its name.
    fn named(&self, namespace: &str, overlay: &Overlay, (kind, name): (&str, &str)) -> String {
        let mut objects = self.sources.find(kind, namespace, name).peekable();
        let is_new = objects.peek().is_none();
        let is_included = |source: &SourceObject| {
            let overlays = self.of_file.get(source.place.file()).into_iter().flatten();
            overlays.into_iter().any(|other| other.folder == overlay.folder)
        };
        if is_new || objects.any(|(_, source)| is_included(source)) { overlay.named(name) } else { name.to_owned() }
    }

    /// The overlays that can have an object that nothing needs any more. A Secret is where the gateways are that take it.
    fn overlays_with(&self, obsolete: &Obsolete) -> impl Iterator<Item = &Overlay> {
        let of_secret = self.of_secret.get(&(obsolete.namespace.clone(), obsolete.name.clone()));
        let of_secret = of_secret.filter(|_| obsolete.kind == "Secret");
        of_secret.or_else(|| self.of_namespace.get(obsolete.namespace.as_str())).into_iter().flatten()
    }

    /// What to do about an object that nothing needs any more: a command, or a sentence.
    pub(super) fn deletions(&self, obsolete: &Obsolete) -> BTreeSet<String> {
        let overlays = self.overlays_with(obsolete);
        let lines: BTreeSet<String> = overlays.map(|overlay| self.deletion(obsolete, overlay)).collect();
        let kind = obsolete.kind.to_ascii_lowercase();
        let own = || delete(&obsolete.namespace, &kind, &obsolete.name);
        if lines.is_empty() { BTreeSet::from([own()]) } else { lines }
    }

    /// The commands that show the names of the keys of a Secret.
    pub(super) fn descriptions(&self, secret: &Obsolete) -> BTreeSet<String> {
        let describe = |namespace: String| {
            format!("  kubectl describe -n {} secret {}", shell_word(&namespace), shell_word(&secret.name))
        };
        self.namespaces_of(secret).into_iter().map(describe).collect()
    }

    fn deletion(&self, obsolete: &Obsolete, overlay: &Overlay) -> String {
        let namespace = namespace(&obsolete.namespace, overlay);
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
            None => self.named(&obsolete.namespace, overlay, (&obsolete.kind, &obsolete.name)),
        };
        delete(&namespace, &kind, &name)
    }

    /// The name that a kustomization gives to a Secret of a generator, and whether a hash follows it.
    fn generated(&self, name: &str, overlay: &Overlay) -> Option<(String, bool)> {
        self.kustomizations.iter().find_map(|(file, value)| {
            let (_, has_hash) = generated_secrets(value).find(|(known, _)| *known == name)?;
            let overlays = self.kustomizations.deployments_of_kustomization(file);
            let is_own = |other: &&Overlay| (&other.folder, other.deployer) == (&overlay.folder, overlay.deployer);
            let own = overlays.iter().find(is_own)?;
            Some((own.named(name), has_hash))
        })
    }
}

/// The namespace that a manifest names.
fn own_namespace(source: &SourceObject) -> Option<&str> {
    source.value.pointer("/metadata/namespace").and_then(Value::as_str).filter(|name| !name.is_empty())
}

fn delete(namespace: &str, kind: &str, name: &str) -> String {
    format!("  kubectl delete -n {} {kind} {}", shell_word(namespace), shell_word(name))
}

fn namespace(own: &str, overlay: &Overlay) -> String {
    overlay.namespace.clone().unwrap_or_else(|| own.to_owned())
}

/// The report about a source with the names that each way to deploy it gives; `patched` as in [`deployed_report`].
pub(super) fn report_as_deployed(
    (sources, kustomizations): (&Sources, &Kustomizations<'_>),
    source: &SourceObject,
    report: SourceReport<PointerBuf>,
    (context, patched): (SourceContext<'_>, &dyn Fn(&Overlay) -> Value),
) -> SourceReport<PointerBuf> {
    let ways = deployments(kustomizations, source);
    let mut report = deployed_report(report, &ways, context, patched);
    report.apply = named_deployers(sources, &ways, report.apply);
    report
}

/// Commands of Flux with the names of the objects of the input that deploy a release in these ways.
fn named_deployers(sources: &Sources, ways: &BTreeSet<Overlay>, commands: Vec<String>) -> Vec<String> {
    let deployers: BTreeSet<usize> = ways.iter().filter_map(|way| way.deployer).collect();
    let deployers = deployers.iter().filter_map(|deployer| sources.objects.get(*deployer));
    let deployers: Vec<&SourceObject> = deployers.filter(|source| source.text("/kind") == "Kustomization").collect();
    let mut named = Vec::new();
    for command in commands {
        let of_deployer = |source: &&SourceObject| {
            let own = shell_word(&source.namespace);
            let name = |at: &str| shell_word(source.text(at));
            if command.ends_with(" GIT_REPOSITORY") {
                let namespace = Some(source.text("/spec/sourceRef/namespace")).filter(|name| !name.is_empty());
                let namespace = namespace.map_or(own, shell_word);
                let tool = match source.text("/spec/sourceRef/kind") {
                    "OCIRepository" => "oci",
                    "Bucket" => "bucket",
                    _ => "git",
                };
                return format!("flux reconcile source {tool} {} -n {namespace}", name("/spec/sourceRef/name"));
            }
            format!("flux reconcile kustomization {} -n {own}", name("/metadata/name"))
        };
        let is_unnamed = command.ends_with(" GIT_REPOSITORY") || command.ends_with(" KUSTOMIZATION");
        if is_unnamed && !deployers.is_empty() {
            let new: BTreeSet<String> = deployers.iter().map(of_deployer).collect();
            named.extend(new.into_iter().filter(|command| !named.contains(command)).collect::<Vec<_>>());
        } else if !named.contains(&command) {
            named.push(command);
        }
    }
    named
}

/// The namespace that kustomizations, Flux or Argo CD give to the objects of each file that name none; of several, the first.
/// Objects of other folders are not theirs, even if they name none, either.
pub(super) fn namespaces_of_files(contents: &[FileContent]) -> HashMap<String, String> {
    let all = contents.iter().flat_map(|content| content.kustomizations.iter());
    let deployers = contents.iter().flat_map(|content| &content.objects);
    let kustomizations = Kustomizations::new(all.map(|built| (built.place.file(), &built.value)).collect())
        .deployed_by(deployers.flat_map(|object| Deployer::of_object(0, &object.value)));
    let namespace = |content: &FileContent| {
        let built = content.kustomizations.first().map(|built| built.place.file());
        let of_kustomization = built.map(|file| kustomizations.deployments_of_kustomization(file));
        let deployments = of_kustomization.unwrap_or_else(|| kustomizations.deployments_of(&content.name));
        let namespace = deployments.iter().find_map(|overlay| overlay.namespace_of(None))?;
        Some((content.name.clone(), namespace))
    };
    contents.iter().filter_map(namespace).collect()
}
