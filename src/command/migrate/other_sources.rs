//! Plans what changes in sources that are not plain manifests: values of Microsoft's chart and what hands them to Helm,
//! Terraform, kustomizations, scripts.

use super::files::{FileChange, OutputPaths};
use super::interactive::KnownFacts;
use super::reading::{OtherSource, SourceObject, Sources, TextSource, located};
use crate::migration_sources::{
    GeneratedConfigMap, NoteKind, SourceContext, SourceReport, ValueMigration, migrate_kustomization, migrate_object,
    migrate_script, migrate_terraform, migrate_values,
};
use apim_keyless_core::gateway::{Images, ObjectReference};
use apim_keyless_core::migration::{Migration, MissingFact};
use apim_keyless_manifest::read_limited;
use apim_keyless_manifest::rewrite::FileRewrite;
use apim_keyless_report::file_name;
use jsonptr::PointerBuf;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What changes in a source, and what to know about it.
pub(in crate::command) struct OtherPlan {
    /// What it is, and where.
    pub(super) source: ObjectReference,
    /// Its file.
    pub(super) file: String,
    /// Whether its text changes.
    pub(super) is_changed: bool,
    /// Whether it is a text and no YAML.
    is_text: bool,
    /// What to know, with the places as `FILE:LINE`.
    pub(super) report: SourceReport<String>,
}

/// What changes in all such sources.
#[derive(Default)]
pub(in crate::command) struct OtherPlans {
    pub(super) plans: Vec<OtherPlan>,
    /// The changed texts of sources that are not YAML.
    pub(super) texts: Vec<FileChange>,
    /// How many sources have workload identity already.
    pub(super) complete: usize,
    /// New files, with the file beside which they are, and their texts.
    pub(super) new_files: Vec<(String, PathBuf, String)>,
}

impl OtherPlans {
    /// Plans the changes, and adds those of objects to `migration`. `excluded` are sources whose text cannot be changed.
    pub(super) fn of(
        (sources, output): (&Sources, &OutputPaths),
        facts: &KnownFacts,
        (images, excluded): (&Images, &HashSet<ObjectReference>),
        migration: &mut Migration,
    ) -> Self {
        let mut plans = Self::default();
        for (index, source) in sources.objects.iter().enumerate().filter(|(_, source)| source.other.is_some()) {
            let (file, reference) = (source.place.file(), source.reference());
            if excluded.contains(&reference) {
                continue;
            }
            let facts = facts.of(&reference);
            let context = SourceContext { facts: &facts, images };
            let planned = match source.other {
                Some(OtherSource::Values) => {
                    // the command names the new file; a whole chart is in the old folder
                    let new = output.of_file(file).filter(|_| source.kind() != "Helm chart");
                    let new = new.map(|path| path.display().to_string());
                    migrate_values(new.as_deref().unwrap_or(file), &source.value, context)
                }
                Some(OtherSource::Release) => migrate_object(&source.value, context),
                Some(OtherSource::Kustomization) => plans.kustomization(sources, source, context, migration),
                Some(OtherSource::Generator(_)) | None => None,
            };
            let Some(ValueMigration { value, report }) = planned else { continue };
            let is_release = matches!(source.other, Some(OtherSource::Values | OtherSource::Release));
            if is_release && value.is_none() && !has_work(&report) && has_identity(&source.value.to_string()) {
                plans.complete += 1;
            }
            let place = |at: &PointerBuf| located(&source.place, at.as_str());
            plans.add((reference, file), value.is_some(), report, place);
            if let Some(slot) = migration.changed.get_mut(index).filter(|_| value.is_some()) {
                *slot = value;
            }
        }
        for source in &sources.texts {
            let facts = facts.of(&source.reference());
            plans.text(source, SourceContext { facts: &facts, images });
        }
        plans
    }

    fn kustomization(
        &mut self,
        sources: &Sources,
        source: &SourceObject,
        context: SourceContext<'_>,
        migration: &Migration,
    ) -> Option<ValueMigration> {
        let file = source.place.file();
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let read = |name: &str| read_regular(&folder.join(name));
        // the workloads of the input take what these generators make
        let generated = |generator: usize| {
            let is_it = |other: &&SourceObject| {
                other.other == Some(OtherSource::Generator(generator)) && other.place.file() == file
            };
            let Some(config_map) = sources.objects.iter().find(is_it) else { return GeneratedConfigMap::Unknown };
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
        let migrated = migrate_kustomization(&source.value, context, &read, &generated)?;
        self.new_files
            .extend(migrated.new_files.into_iter().map(|(name, text)| (file.to_owned(), folder.join(name), text)));
        Some(ValueMigration { value: migrated.value, report: migrated.report })
    }

    fn text(&mut self, source: &TextSource, context: SourceContext<'_>) {
        let planned = if source.is_terraform {
            migrate_terraform(&source.text, context)
        } else {
            migrate_script(&source.text, context)
        };
        let Some(planned) = planned else {
            self.complete += usize::from(has_identity(&source.text) && source.text.contains("api-management"));
            return;
        };
        let place = |line: &usize| format!("{}:{line}", file_name(&source.file));
        self.add((source.reference(), &source.file), planned.text.is_some(), planned.report, place);
        if let Some(after) = planned.text {
            let rewrite = FileRewrite { before: source.text.clone(), after, ..FileRewrite::default() };
            self.texts.push(FileChange { file: source.file.clone(), rewrite, is_text: true });
        }
    }

    fn add<At>(
        &mut self,
        (source, file): (ObjectReference, &str),
        is_changed: bool,
        report: SourceReport<At>,
        place: impl Fn(&At) -> String,
    ) {
        if !is_changed && report.is_empty() {
            return;
        }
        let report = report.with_places(place);
        let is_text = ["script", "Terraform"].contains(&source.kind.as_str());
        self.plans.push(OtherPlan { source, file: file.to_owned(), is_changed, is_text, report });
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

/// Whether a person has something to do.
fn has_work<At>(report: &SourceReport<At>) -> bool {
    let is_work = |kind| matches!(kind, NoteKind::AfterRollout | NoteKind::ByHand | NoteKind::Key);
    report.notes.iter().any(|note| is_work(note.kind))
}

/// Whether a text selects workload identity, in the chart's spelling or in the gateway's.
fn has_identity(text: &str) -> bool {
    text.contains("WorkloadIdentity") || text.contains("workloadIdentity")
}

impl OtherPlan {
    /// The places of auth keys in a text; those of YAML are found with the objects.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        let notes = self.report.notes.iter().filter(|note| self.is_text && note.kind == NoteKind::Key);
        notes.map(|note| note.at.clone())
    }
}

/// The text of a regular file: a pipe or a device has no end.
fn read_regular(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    String::from_utf8(read_limited(File::open(path).ok()?).ok()?).ok()
}
