//! Plans what changes in sources that are not plain manifests: values of Microsoft's chart and what hands them to Helm,
//! Terraform, kustomizations, scripts.

// longer than the guide: the one place that plans what changes in each kind of source

use super::beside::{beside, read_beside};
use super::built::BuiltGateways;
use super::deployed::{PatchedClientId, report_as_deployed};
use super::files::{FileChange, OutputPaths};
use super::installed::Installations;
use super::interactive::KnownFacts;
use super::reached::{ReachedGateways, patching};
use super::reading::{OtherSource, SourceObject, SourceType, Sources, TextSource, located};
use super::source_kind::Unsupported;
use super::unread;
use crate::migration_sources::{
    FilesBeside, GeneratedConfigMap, KnownOfKustomization, NoteKind, Overlay, SourceContext, SourceReport,
    ValueMigration, files_of_helmfile, migrate_helmfile, migrate_kustomization, migrate_object, migrate_script,
    migrate_terraform, migrate_values,
};
use apim_keyless_core::gateway::{Images, ObjectReference};
use apim_keyless_core::migration::{Facts, Migration, MissingFact};
use apim_keyless_core::policy::{Date, Policy};
use apim_keyless_manifest::normalized;
use apim_keyless_manifest::rewrite::FileRewrite;
use apim_keyless_report::file_name;
use jsonptr::PointerBuf;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// What changes in a source, and what to know about it.
pub(in crate::command) struct OtherPlan {
    /// What it is, and where.
    pub(super) source: ObjectReference,
    /// Its type.
    pub(super) source_type: SourceType,
    /// Its file.
    pub(super) file: String,
    /// Whether its text changes.
    pub(super) is_changed: bool,
    /// What to know, with the places as `FILE:LINE`.
    pub(super) report: SourceReport<String>,
    /// The place in what installs a release with these values that a person has to change.
    pub(super) open_installer: Option<String>,
    /// The file that names this file of values, and what it is: its tool installs the release.
    pub(super) installer: Option<(String, SourceType)>,
}

/// What changes in all such sources.
#[derive(Default)]
pub(in crate::command) struct OtherPlans {
    pub(super) plans: Vec<OtherPlan>,
    /// The changed texts of sources that are not YAML.
    pub(super) texts: Vec<FileChange>,
    /// How many sources have workload identity already.
    pub(super) complete: usize,
    /// The client ids that patches give to the `ServiceAccount`s of gateways.
    pub(super) client_ids: Vec<PatchedClientId>,
    /// New files, with the file beside which they are, and their texts.
    pub(super) new_files: Vec<(String, PathBuf, String)>,
}

impl OtherPlans {
    /// Plans the changes, and adds those of objects to `migration`. `excluded` are sources whose text cannot be changed.
    pub(super) fn of(
        (sources, output): (&Sources, &OutputPaths),
        facts: &KnownFacts,
        (policy, today, excluded): (&Policy, Date, &HashSet<ObjectReference>),
        migration: &mut Migration,
    ) -> Self {
        let mut plans = Self::default();
        let images = &policy.images;
        let reached = ReachedGateways::of(sources, migration, excluded);
        let (inputs, kustomizations) = (sources.files(), sources.kustomizations());
        let built = BuiltGateways::of((sources, &inputs), migration, (policy, today));
        let mut changed: Vec<(usize, Option<Value>)> = Vec::new();
        let reached_by = reached.by_source(sources);
        let patching = patching(&reached_by);
        let mut opened = None;
        for (index, source) in sources.objects.iter().enumerate().filter(|(_, source)| source.is_other()) {
            // the file stays open for the next object of it
            _ = std::mem::replace(&mut opened, source.place.open());
            let (file, reference) = (source.place.file(), source.reference());
            if excluded.contains(&reference) {
                continue;
            }
            let facts = facts.of(&reference);
            let context = SourceContext { facts: &facts, images };
            let planned = plans.object((sources, output), (index, source), context, (&reached, migration));
            let is_built = matches!(source.other, Some(OtherSource::Kustomization | OtherSource::Release));
            let planned = planned.or_else(|| is_built.then(ValueMigration::default));
            let Some(ValueMigration { value, mut report }) = planned else { continue };
            let patched = |overlay: &Overlay| {
                let patching = patching.get(&index).into_iter().flatten().copied();
                let patching: Vec<usize> =
                    patching.filter(|other| reached.is_built_in(sources, *other, overlay)).collect();
                built.patched_release(&source.value, &patching, context)
            };
            report = report_as_deployed((sources, &kustomizations), source, report, (context, &patched));
            let of_built = built.report((index, source), context, reached_by.get(&index).map_or(&[], Vec::as_slice));
            report.notes.retain(|note| !of_built.unneeded.contains(note));
            report.notes.extend(of_built.notes);
            unread::add_settings(source, value.as_ref().unwrap_or(&source.value), &mut report);
            plans.add_client_ids((index, source), of_built.client_ids, (&reached, migration), &mut report);
            if is_release(source) && value.is_none() && !has_work(&report) && has_identity(&source.value.to_string()) {
                plans.complete += 1;
            }
            let place = |at: &PointerBuf| located(&source.place, at.as_str());
            plans.add((reference, source.source_type(), file), value.is_some(), report, place);
            changed.push((index, value));
        }
        for (index, value) in changed.into_iter().filter(|(_, value)| value.is_some()) {
            if let Some(slot) = migration.changed.get_mut(index) {
                *slot = value;
            }
        }
        plans.add_texts(sources, (facts, images), &inputs);
        plans.add_what_is_around(sources, images, migration);
        plans.leave_scripts(sources);
        plans
    }

    /// Plans the changes of a source that is an object or a mapping.
    fn object(
        &mut self,
        (sources, output): (&Sources, &OutputPaths),
        (index, source): (usize, &SourceObject),
        context: SourceContext<'_>,
        (reached, migration): (&ReachedGateways<'_>, &Migration),
    ) -> Option<ValueMigration> {
        let file = source.place.file();
        match source.other? {
            OtherSource::Values => {
                // the command names the new file; a whole chart is in the old folder
                let new = output.of_file(file).filter(|_| source.source_type() != SourceType::HelmChart);
                let new = new.map(|path| path.display().to_string());
                migrate_values(new.as_deref().unwrap_or(file), &source.value, context)
            }
            OtherSource::Helmfile => Some(migrate_helmfile(&source.value, context)),
            OtherSource::Release => migrate_object(&source.value, context),
            OtherSource::Kustomization => {
                let is_left = reached.is_left(index, source);
                self.kustomization(sources, (source, is_left), context, migration)
            }
            OtherSource::Generator(_) => None,
        }
    }

    /// Adds the client ids that patches of the source with this index give to the `ServiceAccount`s of gateways. Those of which
    /// it is not known where they are deployed are to be checked.
    fn add_client_ids(
        &mut self,
        (index, source): (usize, &SourceObject),
        client_ids: Vec<(usize, String)>,
        (reached, migration): (&ReachedGateways<'_>, &Migration),
        report: &mut SourceReport<PointerBuf>,
    ) {
        let (folders, deployers) = reached.built_by(index, source);
        let known: BTreeSet<usize> = reached.deployed_by(&deployers).into_iter().collect();
        let is_known = |(gateway, _): &(usize, String)| {
            let is_built = !folders.is_empty() || known.contains(gateway);
            is_built && migration.gateways.iter().any(|migrated| migrated.index == *gateway)
        };
        let (known, unknown): (Vec<_>, Vec<_>) = client_ids.into_iter().partition(is_known);
        self.client_ids.extend(known.into_iter().map(|(gateway, client_id)| PatchedClientId {
            gateway,
            folders: folders.clone(),
            deployers: deployers.clone(),
            client_id,
        }));
        for client_id in unknown.into_iter().map(|(_, client_id)| client_id).collect::<BTreeSet<String>>() {
            let message =
                format!("Check where this patch sets client id {client_id}: it needs a credential there, too");
            report.note(PointerBuf::root(), NoteKind::Guess, message);
        }
    }

    /// Adds what the sources show about each other.
    fn add_what_is_around(&mut self, sources: &Sources, images: &Images, migration: &Migration) {
        self.keep_values_of_helmfiles(sources);
        self.set_installers(sources);
        let none = Facts::default();
        let context = SourceContext { facts: &none, images };
        Installations::add(self, sources, context, migration);
        self.add_script_commands(sources, context, migration);
    }

    /// Values keep their Secrets and keys until a person has changed the helmfile that can install them.
    fn keep_values_of_helmfiles(&mut self, sources: &Sources) {
        let mut open: Vec<(String, PathBuf, Vec<PathBuf>)> = Vec::new();
        let folder = |file: &str| normalized(Path::new(file)).parent().map(Path::to_owned).unwrap_or_default();
        for plan in self.plans.iter().filter(|plan| plan.source_type == SourceType::Helmfile) {
            let Some(place) = plan.open_place() else { continue };
            let is_it = |source: &&SourceObject| {
                source.other == Some(OtherSource::Helmfile) && source.place.file() == plan.file
            };
            let named = sources.objects.iter().filter(is_it).flat_map(|source| files_of_helmfile(&source.value));
            let named = named.map(|name| normalized(&beside(&plan.file, name))).collect();
            open.push((place.to_owned(), folder(&plan.file), named));
        }
        let templates = sources.unsupported.iter().filter(|(_, what)| *what == Unsupported::HelmfileTemplate);
        open.extend(templates.map(|(file, _)| (file_name(file).to_owned(), folder(file), Vec::new())));
        for plan in self.plans.iter_mut().filter(|plan| plan.source_type == SourceType::HelmValues) {
            let file = normalized(Path::new(&plan.file));
            let is_it = |(_, folder, named): &&(String, PathBuf, Vec<PathBuf>)| {
                file.starts_with(folder) || named.contains(&file)
            };
            plan.open_installer = open.iter().find(is_it).map(|(place, ..)| place.clone());
        }
    }

    fn kustomization(
        &mut self,
        sources: &Sources,
        (source, is_left): (&SourceObject, bool),
        context: SourceContext<'_>,
        migration: &Migration,
    ) -> Option<ValueMigration> {
        let file = source.place.file();
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let read = |name: &str| read_beside(file, name);
        // the workloads of the input take what these generators make
        let generated = |generator: usize| {
            let is_it = |other: &&SourceObject| {
                other.other == Some(OtherSource::Generator(generator)) && other.place.file() == file
            };
            let Some(config_map) = sources.objects.iter().find(is_it) else {
                return of_replaced(&source.value, generator, migration);
            };
            let name = config_map.text("/metadata/name").to_owned();
            let mut gateways = migration.gateways.iter().filter(|gateway| gateway.config_maps.contains(&name));
            match gateways.next() {
                Some(gateway) if super::files::is_of(gateway, config_map) => GeneratedConfigMap::Migrated,
                Some(gateway) => {
                    let name = gateway.gateway_names.first().cloned();
                    name.map_or(GeneratedConfigMap::Unknown, GeneratedConfigMap::OfGateway)
                }
                None => GeneratedConfigMap::Unknown,
            }
        };
        let migrated = migrate_kustomization(
            &source.value,
            context,
            KnownOfKustomization { read: &read, generated: &generated, is_left },
        )?;
        self.new_files
            .extend(migrated.new_files.into_iter().map(|(name, text)| (file.to_owned(), folder.join(name), text)));
        Some(ValueMigration { value: migrated.value, report: migrated.report })
    }

    fn add_texts(&mut self, sources: &Sources, (facts, images): (&KnownFacts, &Images), inputs: &HashSet<PathBuf>) {
        for source in &sources.texts {
            let facts = facts.of(&source.reference());
            self.text(source, SourceContext { facts: &facts, images }, inputs);
        }
    }

    fn text(&mut self, source: &TextSource, context: SourceContext<'_>, inputs: &HashSet<PathBuf>) {
        let read = |name: &str| read_beside(&source.file, name);
        // values that select no method by themselves are looked at together with the others of the release
        let is_overlay = |name: &str| {
            let values = read(name).and_then(|text| apim_keyless_manifest::value(&text)).filter(Value::is_object);
            values.is_some_and(|values| migrate_values(name, &values, context).is_none())
        };
        let is_input = |name: &str| {
            let path = normalized(&beside(&source.file, name));
            match path.to_string_lossy().split_once('*') {
                None => inputs.contains(&path) || is_overlay(name),
                Some((start, rest)) => {
                    let end = rest.rsplit('*').next().unwrap_or_default();
                    let mut names = inputs.iter().map(|input| input.to_string_lossy());
                    names.any(|name| name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)))
                }
            }
        };
        let files = FilesBeside { read: &read, is_input: &is_input };
        let planned = match source.source_type {
            SourceType::Terraform => migrate_terraform(&source.text, context, &files),
            _ => migrate_script(&source.text, context),
        };
        let mut planned = planned.unwrap_or_default();
        planned.report.notes.extend(unread::lines(source, &planned));
        let is_done = planned.text.is_none() && !has_work(&planned.report);
        let is_complete = is_done && has_identity(&source.text) && source.text.contains("api-management");
        self.complete += usize::from(is_complete);
        let place = |line: &usize| format!("{}:{line}", file_name(&source.file));
        let names = planned.names(context.facts);
        self.add((source.reference(), source.source_type, &source.file), planned.text.is_some(), planned.report, place);
        if let Some(after) = planned.text {
            let rewrite = FileRewrite { before: source.text.clone(), after, ..FileRewrite::default() };
            self.texts.push(FileChange { file: source.file.clone(), rewrite, is_text: true, names });
        }
    }

    fn add<At>(
        &mut self,
        (source, source_type, file): (ObjectReference, SourceType, &str),
        is_changed: bool,
        report: SourceReport<At>,
        place: impl Fn(&At) -> String,
    ) {
        if !is_changed && report.is_empty() {
            return;
        }
        let report = report.with_places(place);
        self.plans.push(OtherPlan { is_changed, ..OtherPlan::new(source, source_type, file, report) });
    }

    /// The facts that sources lack, each with its place and what to do.
    pub(super) fn missing(&self) -> impl Iterator<Item = (MissingFact, &str, &str)> {
        let notes = self.plans.iter().flat_map(|plan| plan.report.notes.iter().map(move |note| (plan, note)));
        notes.filter_map(|(plan, note)| {
            let NoteKind::Missing(fact) = note.kind else { return None };
            let missing = MissingFact::new(fact, plan.source.clone());
            Some((missing, note.at.as_str(), note.message.as_str()))
        })
    }

    /// The sources that change, or that a person has to change.
    pub(super) fn with_work(&self) -> impl Iterator<Item = &OtherPlan> {
        self.plans.iter().filter(|plan| plan.is_changed || has_work(&plan.report))
    }

    /// The sources of which a person has to change something.
    pub(super) fn by_hand(&self) -> impl Iterator<Item = &OtherPlan> {
        let is_by_hand = |plan: &&OtherPlan| plan.report.notes.iter().any(|note| note.kind == NoteKind::ByHand);
        self.plans.iter().filter(is_by_hand)
    }

    /// The sources that change.
    pub(super) fn changed(&self) -> impl Iterator<Item = &OtherPlan> {
        self.plans.iter().filter(|plan| plan.is_changed)
    }
}

/// What is known of the `ConfigMap` of a generator that replaces another one, and whose entries are in files.
fn of_replaced(kustomization: &Value, generator: usize, migration: &Migration) -> GeneratedConfigMap {
    let text = |key: &str| kustomization.pointer(&format!("/configMapGenerator/{generator}/{key}"))?.as_str();
    let name = text("name").filter(|_| text("behavior") == Some("replace"));
    let mut gateways = migration.gateways.iter();
    let gateway = name.and_then(|name| gateways.find(|gateway| gateway.config_maps.iter().any(|known| known == name)));
    let name = gateway.map(|gateway| gateway.gateway_names.first().cloned().unwrap_or_default());
    name.map_or(GeneratedConfigMap::Unknown, GeneratedConfigMap::OfGateway)
}

/// Whether a source installs releases.
pub(super) fn is_release(source: &SourceObject) -> bool {
    match source.other {
        Some(OtherSource::Values | OtherSource::Helmfile) => true,
        Some(OtherSource::Release) => source.source_type() != SourceType::FluxKustomization,
        _ => false,
    }
}

/// Whether a person has something to do.
fn has_work<At>(report: &SourceReport<At>) -> bool {
    let is_work =
        |kind| matches!(kind, NoteKind::AfterRollout | NoteKind::ByHand | NoteKind::Key | NoteKind::ClientSecret);
    report.notes.iter().any(|note| is_work(note.kind))
}

/// Whether a text selects workload identity, in the chart's spelling or in the gateway's.
pub(super) fn has_identity(text: &str) -> bool {
    text.contains("WorkloadIdentity") || text.contains("workloadIdentity")
}

impl OtherPlan {
    /// The plan of a source that does not change.
    pub(super) fn new(
        source: ObjectReference,
        source_type: SourceType,
        file: &str,
        report: SourceReport<String>,
    ) -> Self {
        let file = file.to_owned();
        Self { source, source_type, file, is_changed: false, report, open_installer: None, installer: None }
    }

    /// The tool of another file installs the release of these values.
    pub(super) fn installed_by(&mut self, file: &str, source_type: SourceType) {
        if self.installer.is_some() || self.report.apply.is_empty() {
            return;
        }
        self.installer = Some((file_name(file).to_owned(), source_type));
        let commands = ["terraform plan", "terraform apply"].map(str::to_owned);
        self.report.apply = if source_type == SourceType::Terraform { commands.to_vec() } else { Vec::new() };
    }

    /// Whether it stays as it is because a fact is not known.
    pub(super) fn lacks_fact(&self) -> bool {
        self.report.lacks_fact()
    }

    /// The places of client secrets, and of auth keys in a text; those of YAML are found with the objects.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        let is_text = self.source_type.is_text();
        let is_key = move |kind| is_text && kind == NoteKind::Key || kind == NoteKind::ClientSecret;
        let notes = self.report.notes.iter().filter(move |note| is_key(note.kind));
        notes.map(|note| note.at.clone())
    }

    /// The first place that a person has to change before nothing needs the old key any more.
    pub(super) fn open_place(&self) -> Option<&str> {
        let own = self.report.notes.iter().find(|note| note.kind.is_open()).map(|note| note.at.as_str());
        own.or(self.open_installer.as_deref())
    }
}
