//! The gateways of the input as kustomizations and other sources build them from the migrated objects.

use super::beside::{beside, read_beside};
use super::reading::{OtherSource, SourceObject, SourceType, Sources};
use crate::migration_sources::{
    BuiltGateway, BuiltNames, BuiltReport, Deployer, Evaluation, Note, NoteKind, SourceContext, changes_labels,
    described_changes, first_patch, gateways_of_charts, gateways_of_keys, has_remote_base, migrate_object, patched_by,
    report_about_built,
};
use apim_keyless_core::gateway::Images;
use apim_keyless_core::migration::{Created, MigratedGateway, Migration, problems_of_built};
use apim_keyless_core::policy::{Date, Policy};
use apim_keyless_manifest::normalized;
use jsonptr::PointerBuf;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The migrated objects, and what evaluates them when other sources have changed them.
pub(super) struct BuiltGateways<'b> {
    sources: &'b Sources,
    inputs: &'b HashSet<PathBuf>,
    migration: &'b Migration,
    policy: &'b Policy,
    today: Date,
    /// By the index of a workload.
    gateways: HashMap<usize, &'b MigratedGateway>,
    /// The new objects, by kind, namespace and name.
    created: HashMap<(&'b str, &'b str, &'b str), &'b Value>,
    /// The names of the Secrets that held a key, and are to be deleted.
    secrets: BTreeSet<String>,
    /// Whether a kustomization includes a base at a remote address.
    has_remote_base: bool,
    /// The namespaces that kustomizations give to objects.
    namespaces: Vec<&'b str>,
    names: BuiltNames<'static>,
}

impl<'b> BuiltGateways<'b> {
    /// `inputs` are the files of the sources.
    pub(super) fn of(
        (sources, inputs): (&'b Sources, &'b HashSet<PathBuf>),
        migration: &'b Migration,
        (policy, today): (&'b Policy, Date),
    ) -> Self {
        let kustomizations = sources.objects.iter().filter(|source| source.other == Some(OtherSource::Kustomization));
        let kustomizations: Vec<&Value> = kustomizations.map(|source| &source.value).collect();
        let is_any = |is_it: &dyn Fn(&Value) -> bool| kustomizations.iter().any(|value| is_it(value));
        let has = |value: &Value, keys: &[&str]| keys.iter().any(|key| value.get(*key).is_some());
        let names = BuiltNames {
            is_any_name: false,
            is_affixed: is_any(&|value| has(value, &["namePrefix", "nameSuffix"])),
            is_labeled: is_any(&changes_labels),
            namespaces: &[],
        };
        let by_name = |created: &'b Created| {
            let text = |at: &str| created.value.pointer(at).and_then(Value::as_str);
            Some(((text("/kind")?, created.namespace.as_str(), text("/metadata/name")?), &created.value))
        };
        let secrets = migration.obsolete.iter().filter(|obsolete| obsolete.kind == "Secret");
        Self {
            sources,
            inputs,
            migration,
            policy,
            today,
            created: migration.created.iter().filter_map(by_name).collect(),
            gateways: migration.gateways.iter().map(|gateway| (gateway.index, gateway)).collect(),
            secrets: secrets.map(|obsolete| obsolete.name.clone()).collect(),
            has_remote_base: is_any(&has_remote_base),
            namespaces: kustomizations.iter().filter_map(|value| value.get("namespace")?.as_str()).collect(),
            names,
        }
    }

    /// What kustomizations add to objects.
    fn names(&self) -> BuiltNames<'_> {
        BuiltNames { namespaces: &self.namespaces, ..self.names }
    }

    /// The object of this kind and name after the migration.
    fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<&'b Value> {
        let (sources, migration) = (self.sources, self.migration);
        let of_input = sources.find(kind, namespace, name).next();
        let of_input = of_input.map(|(index, source)| migration.value_of(index, &source.value));
        of_input.or_else(|| self.created.get(&(kind, namespace, name)).copied())
    }

    /// The gateways of a source: the one whose workload it is, or those of the charts that a kustomization renders.
    fn gateways(&self, index: usize) -> Vec<BuiltGateway<'_>> {
        let source = self.sources.objects.get(index);
        let kustomization = source.filter(|source| source.other == Some(OtherSource::Kustomization));
        let of_charts = kustomization.map(|source| gateways_of_charts(&source.value));
        of_charts.unwrap_or_else(|| self.gateway(index).into_iter().collect())
    }

    /// A gateway of the input, by the index of its workload.
    fn gateway(&self, index: usize) -> Option<BuiltGateway<'_>> {
        let source = self.sources.objects.get(index).filter(|source| source.other.is_none())?;
        let (gateway, old) = (*self.gateways.get(&index)?, &source.value);
        let new = self.migration.value_of(index, old);
        let namespace = gateway.object.namespace.as_str();
        let beside = gateway.objects().filter_map(|(kind, name)| self.object(kind, namespace, name));
        let objects = [new].into_iter().chain(beside).map(Cow::Borrowed).collect();
        let old = Cow::Borrowed(old);
        Some(BuiltGateway { old, objects, namespace, names: self.names() })
    }

    /// A release with the patches of these sources, in their order.
    pub(super) fn patched_release(&self, release: &Value, sources: &[usize], context: SourceContext<'_>) -> Value {
        let names = self.names();
        let sources = sources.iter().filter_map(|index| self.sources.objects.get(*index));
        sources.fold(release.clone(), |release, source| {
            let read = |name: &str| read_beside(source.place.file(), name);
            patched_by(&source.value, &release, (context, names), &read).unwrap_or(release)
        })
    }

    /// What a source makes of migrated releases that it reaches: what has to change in them then.
    fn notes_about_releases(
        &self,
        (index, source): (usize, &SourceObject),
        context: SourceContext<'_>,
        reached: &[usize],
        notes: &[Note<PointerBuf>],
    ) -> Vec<Note<PointerBuf>> {
        let is_release = |source: &&SourceObject| {
            matches!(source.source_type(), SourceType::HelmRelease | SourceType::ArgoApplication)
        };
        let releases = reached.iter().filter(|reached| **reached != index);
        let releases = releases.filter_map(|index| self.sources.objects.get(*index)).filter(is_release);
        let note = |release: &SourceObject| {
            let migrated = migrate_object(&release.value, context)?.value.unwrap_or_else(|| release.value.clone());
            let patched = self.patched_release(&migrated, &[index], context);
            let new = migrate_object(&patched, context)?.value.filter(|_| patched != migrated)?;
            let (kind, name) = (release.text("/kind"), release.text("/metadata/name"));
            let changes = described_changes(&patched, &new);
            let read = |name: &str| read_beside(source.place.file(), name);
            let is_undone =
                |patched: &Value| migrate_object(patched, context).is_some_and(|migration| migration.value.is_some());
            let (at, file) =
                first_patch(&source.value, &migrated, (context, self.names()), &read, is_undone).unwrap_or_default();
            let file = file.map(|file| format!("In {file}: ")).unwrap_or_default();
            let message = format!(
                "{file}Change this patch of {kind} \"{name}\": it is applied to the migrated object, and undoes a part of its \
                 migration. {changes}"
            );
            Some(Note { at, kind: NoteKind::ByHand, message })
        };
        // what sets another method is named with its own place
        if notes.iter().any(|note| note.kind == NoteKind::ByHand) {
            Vec::new()
        } else {
            releases.filter_map(note).collect()
        }
    }

    /// Names the keys of a kustomization that are of another gateway than the migrated ones: each overlay of a base can have a
    /// gateway of its own.
    fn notes_about_names(&self, source: &SourceObject, reached: &[usize]) -> Vec<Note<PointerBuf>> {
        let gateways: Vec<&&MigratedGateway> = reached.iter().filter_map(|index| self.gateways.get(index)).collect();
        let is_known = !gateways.is_empty() && gateways.iter().all(|gateway| !gateway.gateway_names.is_empty());
        if source.other != Some(OtherSource::Kustomization) || !is_known || sets_name(source) {
            return Vec::new();
        }
        let read = |name: &str| read_beside(source.place.file(), name);
        let is_other =
            |name: &String| gateways.iter().all(|gateway| !gateway.gateway_names.iter().any(|known| known == name));
        let keys = gateways_of_keys(&source.value, &read).into_iter().filter(|(_, name)| is_other(name));
        let note = |(at, name): (PointerBuf, String)| {
            let names = gateways.iter().flat_map(|gateway| &gateway.gateway_names);
            let names: Vec<&str> = names.map(String::as_str).collect::<BTreeSet<&str>>().into_iter().collect();
            let message = format!(
                "Set gateway.name to {name} in this overlay, such as with behavior: merge in configMapGenerator: its key is of \
                 gateway {name}, and the base has gateway.name {}",
                names.join(", ")
            );
            Note { at, kind: NoteKind::ByHand, message }
        };
        keys.map(note).collect()
    }

    /// What a source still says about the Secrets of keys, and does to the gateways that it reaches. The client ids have the
    /// indices of the workloads.
    pub(super) fn report(
        &self,
        (index, source): (usize, &SourceObject),
        context: SourceContext<'_>,
        reached: &[usize],
    ) -> BuiltReport {
        let problems =
            |objects: &[&Value], namespace: &str| problems_of_built(objects, namespace, self.policy, self.today);
        let object = |kind: &str, namespace: &str, name: &str| self.object(kind, namespace, name).cloned();
        let evaluation = Evaluation { problems: &problems, object: &object };
        // post-renderers of a release change what its own chart renders
        let is_release = source.source_type() == SourceType::HelmRelease;
        let own = if is_release { gateways_of_charts(&source.value) } else { Vec::new() };
        let of_reached = reached.iter().flat_map(|at| self.gateways(*at).into_iter().map(|built| (*at, built)));
        let (indices, gateways): (Vec<usize>, Vec<BuiltGateway<'_>>) =
            of_reached.chain(own.into_iter().map(|built| (index, built))).unzip();
        let read = |name: &str| read_beside(source.place.file(), name);
        let releases = reached.iter().filter_map(|index| self.sources.objects.get(*index));
        let releases: Vec<&Value> =
            releases.filter(|release| release.other.is_some()).map(|release| &release.value).collect();
        let built = (&self.secrets, gateways.as_slice());
        let releases = (releases.as_slice(), self.names());
        let mut report = report_about_built(&source.value, context, built, releases, evaluation, &read);
        // a patch that selects nothing here can be for an object of a remote base
        if self.has_remote_base {
            report.unneeded.clear();
        }
        if !reached.is_empty() {
            report.notes.extend(absent_components(source, self.inputs));
        } else if changes_gateway_image(&source.value, context.images) {
            report.notes.extend(absent_folders(source, self.inputs, "resources"));
        }
        if context.facts.gateway_name.is_none() {
            report.notes.extend(self.notes_about_names(source, reached));
        }
        let of_releases = self.notes_about_releases((index, source), context, reached, &report.notes);
        report.notes.extend(of_releases);
        let client_ids = report.client_ids.into_iter().filter_map(|(at, id)| Some((*indices.get(at)?, id)));
        BuiltReport { client_ids: client_ids.collect(), ..report }
    }
}

/// Whether a kustomization or one of its patches sets the name of a gateway.
fn sets_name(source: &SourceObject) -> bool {
    let has_name = |text: &str| text.contains("gateway.name");
    let patches = source.value.get("patches").and_then(Value::as_array).into_iter().flatten();
    let mut files = patches.filter_map(|patch| patch.get("path")?.as_str());
    has_name(&source.value.to_string())
        || files.any(|file| read_beside(source.place.file(), file).is_some_and(|text| has_name(&text)))
}

/// Names components of a kustomization that are not in the input: they can patch its gateways.
fn absent_components(source: &SourceObject, inputs: &HashSet<PathBuf>) -> Vec<Note<PointerBuf>> {
    if source.other != Some(OtherSource::Kustomization) {
        let folders: Vec<&Path> = inputs.iter().filter_map(|input| input.parent()).collect();
        let deployers = Deployer::of_object(0, &source.value);
        let absent = deployers.iter().flat_map(|deployer| deployer.components_outside(&folders));
        return absent.map(|folder| absent_folder(PointerBuf::root(), folder, COMPONENT)).collect();
    }
    absent_folders(source, inputs, "components")
}

/// Names the folders in a list of a kustomization that are not in the input.
fn absent_folders(source: &SourceObject, inputs: &HashSet<PathBuf>, list: &str) -> Vec<Note<PointerBuf>> {
    let entries = source.value.get(list).and_then(Value::as_array).into_iter().flatten().enumerate();
    let absent = entries.filter_map(|(index, entry)| {
        let folder = normalized(&beside(source.place.file(), entry.as_str()?));
        let is_input = inputs.iter().any(|input| input.parent() == Some(folder.as_path()));
        let at = PointerBuf::from_tokens([list, index.to_string().as_str()]);
        let message = if list == "components" { COMPONENT } else { BASE };
        (folder.is_dir() && !is_input).then(|| absent_folder(at, &folder, message))
    });
    absent.collect()
}

/// Whether a kustomization sets the image of a gateway.
fn changes_gateway_image(kustomization: &Value, images: &Images) -> bool {
    let entries = kustomization.get("images").and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|image| image.get("name")?.as_str()).any(|name| images.is_gateway(name))
}

const COMPONENT: &str = "a component can change how a gateway authenticates";
const BASE: &str = "the kustomization sets the image of a gateway, which is not in the input";

fn absent_folder(at: PointerBuf, folder: &Path, why: &str) -> Note<PointerBuf> {
    let message = format!("Give {} to this command, too: {why}", folder.display());
    Note { at, kind: NoteKind::ByHand, message }
}
