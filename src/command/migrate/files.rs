//! The files of a migration: their changed texts, in an order that can be applied.

use super::beside::beside;
use super::other_sources::OtherPlan;
use super::reading::{OtherSource, SourceObject, SourceType, Sources, located};
use crate::cli::MigrateArguments;
use crate::command::rewritten_file::{diff, diff_of_text};
use crate::migration_sources::{NoteKind, described_changes, files_of_one_document, write_generated};
use anyhow::{bail, ensure};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::{MigratedGateway, Migration};
use apim_keyless_core::policy::printable;
use apim_keyless_manifest::rewrite::{FileRewrite, ObjectChange, Placement, Unchanged};
use apim_keyless_manifest::{Place, STANDARD_INPUT, normalized};
use apim_keyless_report::file_name;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A changed file.
pub(in crate::command) struct FileChange {
    pub(super) file: String,
    pub(super) rewrite: FileRewrite,
    /// Whether it is a text and not YAML.
    pub(super) is_text: bool,
    /// The names, ids and addresses that were written into a text.
    pub(super) names: Vec<String>,
}

impl FileChange {
    /// The changes as a unified diff, with masked values.
    pub(super) fn diff(&self) -> String {
        if self.is_text {
            return diff_of_text(&self.file, &self.rewrite, &self.names);
        }
        diff(&self.file, &self.rewrite)
    }
}

/// A gateway whose text cannot be changed.
pub(in crate::command) struct Declined {
    pub(super) gateway: ObjectReference,
    /// The place and the reason.
    pub(super) message: String,
    /// What to write.
    pub(super) by_hand: Vec<String>,
}

/// The changed files, the gateways whose text cannot be changed, and the files that were changed meanwhile.
pub(super) fn changes(sources: &Sources, migration: &Migration) -> (Vec<FileChange>, Vec<Declined>, Vec<String>) {
    let placements = placements(sources, migration);
    let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, source) in sources.objects.iter().enumerate() {
        let is_changed = migration.changed.get(index).is_some_and(Option::is_some);
        if is_changed || placements.contains_key(&index) {
            files.entry(source.place.file()).or_default().push(index);
        }
    }
    let gateways = gateways_by_object(migration);
    let (mut changes, mut declined, mut changed_meanwhile) = (Vec::new(), Vec::new(), Vec::new());
    for (file, indices) in files {
        let objects: Vec<ObjectChange<'_>> = indices
            .iter()
            .filter_map(|index| Some(change(sources.objects.get(*index)?, migration.changed.get(*index)?.as_ref())))
            .collect();
        let placed: Vec<Placement<'_>> = indices
            .iter()
            .filter_map(|index| {
                let planned = placements.get(index)?;
                let place = |index: &usize| sources.objects.get(*index).map(|source| &source.place);
                Some(Placement {
                    before: place(index)?,
                    added: planned.added.clone(),
                    moved: planned.moved.iter().filter_map(place).collect(),
                })
            })
            .collect();
        let Some(rewrite) = FileRewrite::with_placements(&objects, &placed) else {
            changed_meanwhile.push(file_name(file).to_owned());
            continue;
        };
        for unchanged in &rewrite.unchanged {
            let object = indices.get(unchanged.index).and_then(|index| sources.objects.get(*index));
            declined.extend(object.into_iter().flat_map(|object| match object.other {
                None | Some(OtherSource::Generator(_)) => declined_gateways(object, unchanged, &gateways),
                Some(_) => {
                    let new = indices.get(unchanged.index).and_then(|index| migration.changed.get(*index)?.as_ref());
                    vec![declined_source(object, new, unchanged)]
                }
            }));
        }
        if rewrite.before != rewrite.after {
            changes.push(FileChange { file: file.to_owned(), rewrite, is_text: false, names: Vec::new() });
        }
    }
    let mut seen = HashSet::new();
    declined.retain(|declined| seen.insert(declined.gateway.clone()));
    (changes, declined, changed_meanwhile)
}

/// The change of an object to its new value; `None` if it stays, because something is only placed before it.
fn change<'c>(source: &'c SourceObject, new: Option<&'c Value>) -> ObjectChange<'c> {
    let new = new.unwrap_or(&source.value);
    if let Some(OtherSource::Generator(index)) = source.other {
        let change = move |kustomization: &mut Value| write_generated(kustomization, index, (&source.value, new));
        return ObjectChange::new(&source.place, change);
    }
    if source.other == Some(OtherSource::Kustomization) {
        // the changes of its generators are in the value already
        let differences = json_patch::diff(&source.value, new);
        let change = move |kustomization: &mut Value| _ = json_patch::patch(kustomization, &differences);
        return ObjectChange::new(&source.place, change);
    }
    let change = move |value: &mut Value| {
        let mut new = new.clone();
        // an item of a raw list has them from the list
        for key in ["apiVersion", "kind"] {
            if value.get(key).is_none()
                && let Some(members) = new.as_object_mut()
            {
                members.remove(key);
            }
        }
        *value = new;
    };
    ObjectChange::new(&source.place, change)
}

/// What is placed before a workload.
#[derive(Default)]
struct PlannedPlacement {
    added: Vec<Value>,
    /// The indices of objects that follow the workload.
    moved: Vec<usize>,
}

/// By the index of a workload: the new objects that it needs, and the changed ones that follow it in its file. In an
/// enforced namespace the workload is denied until they were applied.
fn placements(sources: &Sources, migration: &Migration) -> HashMap<usize, PlannedPlacement> {
    let mut placements: HashMap<usize, PlannedPlacement> = HashMap::new();
    for created in &migration.created {
        placements.entry(created.for_object).or_default().added.push(created.value.clone());
    }
    let mut moved = BTreeSet::new();
    for gateway in &migration.gateways {
        for index in followers(sources, migration, gateway) {
            let is_document = |index: usize| sources.objects.get(index).is_some_and(|source| source.is_document);
            if is_document(index) && is_document(gateway.index) && moved.insert(index) {
                placements.entry(gateway.index).or_default().moved.push(index);
            }
        }
    }
    placements
}

/// The indices of the gateway's changed `ServiceAccount` and `ConfigMap`s that follow its workload in the same file.
pub(super) fn followers(sources: &Sources, migration: &Migration, gateway: &MigratedGateway) -> BTreeSet<usize> {
    let Some(workload) = sources.objects.get(gateway.index) else { return BTreeSet::new() };
    let is_it = |(index, source): &(usize, &SourceObject)| {
        *index > gateway.index
            && source.place.file() == workload.place.file()
            && migration.changed.get(*index).is_some_and(Option::is_some)
            && is_of(gateway, source)
    };
    objects_of(sources, gateway).filter(is_it).map(|(index, _)| index).collect()
}

/// The objects of the input that have the names of the gateway's `ServiceAccount` and `ConfigMap`s.
pub(super) fn objects_of<'s>(
    sources: &'s Sources,
    gateway: &'s MigratedGateway,
) -> impl Iterator<Item = (usize, &'s SourceObject)> {
    let namespace = gateway.object.namespace.as_str();
    gateway.objects().flat_map(move |(kind, name)| sources.find(kind, namespace, name))
}

/// Whether an object is the `ServiceAccount` or a `ConfigMap` of the gateway.
pub(super) fn is_of(gateway: &MigratedGateway, source: &SourceObject) -> bool {
    let Some(object) = &source.object else { return false };
    let ObjectReference { kind, namespace, name, .. } = &object.reference;
    *namespace == gateway.object.namespace && gateway.takes(kind, name)
}

/// The gateways that an object belongs to, whose text cannot be changed.
fn declined_gateways(object: &SourceObject, unchanged: &Unchanged, gateways: &GatewaysByObject<'_>) -> Vec<Declined> {
    let Some(reference) = object.object.as_ref().map(|object| &object.reference) else { return Vec::new() };
    let message = |place: &Place| {
        let (line, column) = (unchanged.position.line, unchanged.position.column);
        format!("not migrated: {}:{line}:{column}: {}; by hand:", file_name(place.file()), unchanged.reason)
    };
    let name = (reference.kind.as_str(), reference.namespace.as_str(), reference.name.as_str());
    let gateways = gateways.get(&name).into_iter().flatten();
    gateways
        .map(|gateway| Declined {
            gateway: gateway.object.clone(),
            message: message(&object.place),
            by_hand: by_hand(gateway),
        })
        .collect()
}

/// The gateways in manifests that a resource of Terraform reads as one document: new objects beside them would not be read.
pub(super) fn of_one_document(sources: &Sources, migration: &Migration) -> Vec<Declined> {
    let terraform = sources.texts.iter().filter(|source| source.source_type == SourceType::Terraform);
    let mut read: BTreeMap<PathBuf, String> = BTreeMap::new();
    for source in terraform {
        for (name, line) in files_of_one_document(&source.text) {
            let place = format!("{}:{line}", file_name(&source.file));
            read.entry(normalized(&beside(&source.file, &name))).or_insert(place);
        }
    }
    let changed = migration.gateways.iter().filter(|gateway| gateway.is_changed && !read.is_empty());
    let declined = changed.filter_map(|gateway| {
        let source = sources.objects.get(gateway.index)?;
        let place = read.get(&normalized(Path::new(source.place.file())))?;
        let message = format!(
            "not migrated: {}: {place} reads this file as one document, and workload identity needs a ServiceAccount beside \
             it; by hand:",
            located(&source.place, "")
        );
        Some(Declined { gateway: gateway.object.clone(), message, by_hand: by_hand(gateway) })
    });
    declined.collect()
}

/// The gateways of a workload, a `ServiceAccount` or a `ConfigMap`, by its kind, namespace and name.
type GatewaysByObject<'m> = HashMap<(&'m str, &'m str, &'m str), Vec<&'m MigratedGateway>>;

fn gateways_by_object(migration: &Migration) -> GatewaysByObject<'_> {
    let mut gateways = GatewaysByObject::new();
    for gateway in &migration.gateways {
        let ObjectReference { kind, namespace, name, .. } = &gateway.object;
        for (kind, name) in gateway.objects().chain([(kind.as_str(), name.as_str())]) {
            gateways.entry((kind, namespace.as_str(), name)).or_default().push(gateway);
        }
    }
    gateways
}

/// A source that is not a manifest, whose text cannot be changed.
fn declined_source(source: &SourceObject, new: Option<&Value>, unchanged: &Unchanged) -> Declined {
    let (file, line, column) = (file_name(source.place.file()), unchanged.position.line, unchanged.position.column);
    let message = format!("not migrated: {file}:{line}:{column}: {}; by hand:", unchanged.reason);
    let by_hand = new.map(|new| described_changes(&source.value, new)).into_iter().collect();
    Declined { gateway: source.reference(), message, by_hand }
}

/// What a person has to write for a gateway.
pub(super) fn by_hand(gateway: &MigratedGateway) -> Vec<String> {
    let ObjectReference { kind, name, .. } = &gateway.object;
    let account = &gateway.service_account;
    let client_id = gateway.client_id.as_deref().unwrap_or("CLIENT_ID");
    let mut lines = vec![format!(
        "ServiceAccount \"{account}\": label azure.workload.identity/use: \"true\", annotation \
         azure.workload.identity/client-id: {client_id}"
    )];
    lines.extend(gateway.config_maps.iter().map(|config_map| {
        format!("ConfigMap \"{config_map}\": config.service.auth: workloadIdentity, and gateway.name")
    }));
    lines.push(format!(
        "{kind} \"{name}\": in the pod template label azure.workload.identity/use: \"true\" and serviceAccountName: \
         {account}; in the container envFrom with the ConfigMap, without config.service.auth and Secrets of keys in env"
    ));
    lines
}

/// Names the new files of `--output-dir` in what a person has to check or to change in them: the steps copy them over the old
/// ones.
pub(super) fn name_new_files(plans: &mut [OtherPlan], changes: &[FileChange], output: &OutputPaths) {
    let new: HashSet<&str> = changes.iter().map(|change| change.file.as_str()).collect();
    for plan in plans.iter_mut().filter(|plan| new.contains(plan.file.as_str())) {
        let Some(path) = output.of_file(&plan.file) else { continue };
        let notes = plan.report.notes.iter_mut();
        for note in notes.filter(|note| note.kind == NoteKind::Guess || note.kind.is_open()) {
            if let Some(place) = note.at.strip_prefix(file_name(&plan.file)) {
                note.at = format!("{}{place}", path.display());
            }
        }
    }
}

/// Where each changed file is written.
pub(super) struct OutputPaths {
    /// The folder of `--output-dir`.
    folder: Option<PathBuf>,
    paths: HashMap<String, PathBuf>,
}

impl OutputPaths {
    /// The paths in `--output-dir`: below an argument that is a folder as in it, else the name of the file.
    ///
    /// # Errors
    /// Two files would be written to one, or a file would overwrite itself.
    pub(super) fn of(arguments: &MigrateArguments, sources: &Sources) -> anyhow::Result<Self> {
        let mut paths = HashMap::new();
        let Some(folder) = &arguments.output_dir else { return Ok(Self { folder: None, paths }) };
        let mut taken: HashMap<PathBuf, &str> = HashMap::new();
        let texts = sources.texts.iter().map(|source| source.file.as_str());
        for file in sources.objects.iter().map(|source| source.place.file()).chain(texts) {
            if file == STANDARD_INPUT || paths.contains_key(file) {
                continue;
            }
            let below = |root: &PathBuf| Path::new(file).strip_prefix(root).ok().map(Path::to_owned);
            let below = arguments.paths.iter().filter(|path| path.is_dir()).find_map(below);
            let relative = below.or_else(|| Path::new(file).file_name().map(PathBuf::from)).unwrap_or_default();
            let path = folder.join(relative);
            if fs::canonicalize(&path).is_ok_and(|path| fs::canonicalize(file).is_ok_and(|file| path == file)) {
                bail!(
                    "--output-dir: {file} would be overwritten; name another folder, or leave out --output-dir to change \
                     the files in place"
                );
            }
            if let Some(other) = taken.insert(path.clone(), file) {
                bail!(
                    "--output-dir: {other} and {file} would both be written to {}; name the folder above them in their place",
                    path.display()
                );
            }
            paths.insert(file.to_owned(), path);
        }
        Ok(Self { folder: Some(folder.clone()), paths })
    }

    /// Checks that a file would be written inside the folder of `--output-dir`, and not behind a symbolic link.
    ///
    /// # Errors
    /// A folder on its path is a link that leads out of it.
    pub(super) fn check_inside(&self, path: &Path) -> anyhow::Result<()> {
        let Some(folder) = self.folder.as_deref().filter(|folder| path.starts_with(folder)) else { return Ok(()) };
        // what does not exist yet is created
        let Ok(root) = fs::canonicalize(folder) else { return Ok(()) };
        let existing = path.ancestors().skip(1).find(|ancestor| ancestor.symlink_metadata().is_ok());
        let is_inside =
            existing.is_none_or(|ancestor| fs::canonicalize(ancestor).is_ok_and(|at| at.starts_with(&root)));
        ensure!(
            is_inside,
            "nothing was written: {}: a symbolic link leads out of the folder {}; remove the link",
            printable(&path.display().to_string()),
            printable(&folder.display().to_string())
        );
        Ok(())
    }

    /// The path of a new file at `path`, beside the file `beside`.
    pub(super) fn beside(&self, beside: &str, path: &Path) -> PathBuf {
        let folder = self.of_file(beside).and_then(Path::parent);
        folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
    }

    /// The path of a changed file; `None` if it is changed in place.
    pub(super) fn of_file(&self, file: &str) -> Option<&Path> {
        self.paths.get(file).map(PathBuf::as_path)
    }
}
