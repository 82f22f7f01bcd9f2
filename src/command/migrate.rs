//! `migrate`: changes manifests from an auth key or an Entra app to workload identity, and prints the steps that are left.

mod beside;
mod built;
mod checklist;
mod deployed;
mod files;
mod fillers;
mod in_use;
mod installed;
mod interactive;
mod left_gateways;
mod left_scripts;
mod mentions;
mod open_sources;
mod other_sources;
mod policy_document;
mod reached;
mod reading;
mod release_files;
mod script_commands;
mod secret_users;
mod shared_objects;
mod source_kind;
mod source_type;
mod taken;
mod unread;
mod writing;

use super::policy::{self, UsedPolicy};
use super::rewritten_file::read_stdin;
use super::{print, print_to_stderr};
use crate::cli::MigrateArguments;
use crate::migration_sources::NoteKind;
use anyhow::{bail, ensure};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::{Fact, MigratedGateway, Migration, MigrationInput, MissingFact, migrate};
use apim_keyless_core::policy::{Date, Policy, printable, utc_date};
use apim_keyless_manifest::STANDARD_INPUT;
use apim_keyless_report::{counted, file_name};
use checklist::Checklist;
use deployed::Deployed;
use files::{Declined, FileChange, OutputPaths};
use interactive::KnownFacts;
use other_sources::{OtherPlan, OtherPlans};
use reading::{Reading, SourceType, Sources, located};
use std::collections::HashSet;
use std::io::{IsTerminal, stderr, stdin};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

/// Migrates the gateways of files, folders and stdin.
pub(super) fn run(arguments: &MigrateArguments) -> anyhow::Result<ExitCode> {
    policy::check_stdin(arguments.policy.as_deref(), &arguments.paths)?;
    check_terminal(arguments)?;
    let UsedPolicy { policy, .. } = policy::find(arguments.policy.as_deref())?;
    let text = read_stdin(&arguments.paths)?;
    let reading =
        Reading { namespace: arguments.namespace(), images: &policy.images, output: arguments.output_dir.as_deref() };
    let sources = Sources::read(&arguments.paths, text.as_deref(), &reading);
    let output = OutputPaths::of(arguments, &sources)?;
    let today = utc_date(SystemTime::now());
    let mut facts = KnownFacts::stated(arguments);
    let mut planned = Planned::of((&sources, &output), &facts, &policy, today);
    while arguments.interactive && facts.ask(&planned.missing(), &mut stdin().lock(), &mut stderr().lock())? {
        planned = Planned::of((&sources, &output), &facts, &policy, today);
    }
    planned.check_gateway_name(arguments)?;
    let document = arguments.write_policy.as_deref().map(|path| planned.policy_document(path, &sources, &output));
    let document = document.transpose()?.flatten();
    planned.print_failures(&sources);
    planned.check_targets(arguments, &output)?;
    // before the files are written: the places are those in the old text
    let steps = Checklist::new(&sources, &planned, &output, arguments).text();
    planned.write(arguments, &output, text.as_deref())?;
    match document {
        Some(document) if !arguments.shows_only() => document.write()?,
        Some(document) if !document.is_written() => {
            if arguments.diff {
                print(&document.diff())?;
            }
            if arguments.check {
                print_to_stderr(&printable(&format!("would create {}", document.path.display())));
            }
        }
        _ => {}
    }
    // with stdin, stdout has the manifests
    match () {
        () if arguments.shows_only() && !arguments.checklist => {}
        () if !arguments.shows_only() && has_stdin(arguments) => print_to_stderr(steps.trim_end()),
        () => print(&steps)?,
    }
    Ok(planned.finish(&sources, arguments))
}

fn has_stdin(arguments: &MigrateArguments) -> bool {
    arguments.paths.iter().any(|path| path == Path::new(STANDARD_INPUT))
}

/// Checks that there is someone to ask.
fn check_terminal(arguments: &MigrateArguments) -> anyhow::Result<()> {
    ensure!(
        !arguments.interactive || (stdin().is_terminal() && !has_stdin(arguments)),
        "--interactive asks on a terminal, and stdin is none; leave it out, and pass the facts with flags such as \
         --client-id"
    );
    ensure!(
        arguments.output_dir.is_none() || !has_stdin(arguments),
        "--output-dir is for files, and - is stdin, which is written to stdout; leave out one of the two"
    );
    Ok(())
}

/// What is to be done.
pub(super) struct Planned {
    migration: Migration,
    changes: Vec<FileChange>,
    /// Sources that are not plain manifests.
    other: OtherPlans,
    /// Gateways whose text cannot be changed.
    declined: Vec<Declined>,
    /// Files that were changed while they were read.
    changed_meanwhile: Vec<String>,
}

impl Planned {
    /// Plans the migration. A gateway of which some text cannot be changed is left as it is, with all that it shares.
    fn of((sources, output): (&Sources, &OutputPaths), facts: &KnownFacts, policy: &Policy, today: Date) -> Self {
        let inputs: Vec<MigrationInput<'_>> = sources
            .objects
            .iter()
            .map(|source| MigrationInput {
                object: source.object.as_ref(),
                value: &source.value,
                namespace: &source.namespace,
            })
            .collect();
        let mut excluded: HashSet<ObjectReference> = HashSet::new();
        let mut declined = Vec::new();
        loop {
            let of_gateway = |gateway: &ObjectReference| (!excluded.contains(gateway)).then(|| facts.of(gateway));
            let mut migration = migrate(&inputs, &of_gateway, policy, today);
            shared_objects::place(sources, &mut migration);
            let left = left_gateways::declined(sources, &migration);
            if !left.is_empty() {
                excluded.extend(left.iter().map(|declined| declined.gateway.clone()));
                declined.extend(left);
                continue;
            }
            let mut other = OtherPlans::of((sources, output), facts, (policy, today, &excluded), &mut migration);
            let (mut changes, mut newly, changed_meanwhile) = files::changes(sources, &migration);
            newly.extend(files::of_one_document(sources, &migration));
            let is_written = newly.is_empty();
            if is_written {
                changes.append(&mut other.texts);
                files::name_new_files(&mut other.plans, &changes, output);
            }
            let mut planned = Self { migration, changes, other, declined, changed_meanwhile };
            if is_written {
                newly = left_gateways::with_unexpected_clients(sources, &planned, policy);
            }
            if newly.is_empty() {
                return planned;
            }
            excluded.extend(newly.iter().map(|declined| declined.gateway.clone()));
            planned.declined.append(&mut newly);
            declined = planned.declined;
        }
    }

    /// The gateways that something changes of.
    fn changed_gateways(&self) -> impl Iterator<Item = &MigratedGateway> + Clone {
        self.migration.gateways.iter().filter(|gateway| gateway.is_changed)
    }

    /// The gateways and the other sources that are left as they are.
    fn left(&self) -> HashSet<ObjectReference> {
        let missing = self.missing().into_iter().map(|missing| missing.object);
        let declined = self.declined.iter().map(|declined| declined.gateway.clone());
        missing.chain(declined).chain(self.other.by_hand().map(|plan| plan.source.clone())).collect()
    }

    /// The facts that gateways and other sources lack.
    fn missing(&self) -> Vec<MissingFact> {
        let other = self.other.missing().map(|(missing, ..)| missing);
        self.migration.missing.iter().cloned().chain(other).collect()
    }

    /// One name cannot be that of several gateways.
    fn check_gateway_name(&self, arguments: &MigrateArguments) -> anyhow::Result<()> {
        if arguments.gateway_name.is_none() {
            return Ok(());
        }
        let other = self.other.plans.iter().map(|plan| plan.report.gateways.len()).sum::<usize>();
        // what is left beside a changed gateway of a source is counted with the source
        let is_counted = |source: &&ObjectReference| {
            !self.other.plans.iter().any(|plan| plan.source == **source && !plan.report.gateways.is_empty())
        };
        let number = self.migration.gateways.len() + self.left().iter().filter(is_counted).count() + other;
        if number > 1 {
            bail!(
                "--gateway-name is the name of one gateway, and the input has {number}; run the command for each, or leave \
                 it out"
            );
        }
        Ok(())
    }

    fn policy_document(
        &self,
        path: &Path,
        sources: &Sources,
        output: &OutputPaths,
    ) -> anyhow::Result<Option<policy_document::PolicyDocument>> {
        if self.other.complete > 0 {
            print_to_stderr(&format!(
                "--write-policy: add to {} what {} with workload identity already should have: it was not read from them",
                path.display(),
                counted(self.other.complete, "source")
            ));
        }
        let other = self.other.plans.iter().flat_map(|plan| &plan.report.gateways).collect();
        let deployed = Deployed::of(sources, self);
        let document = policy_document::PolicyDocument::of(path, (&self.migration, &other), (&deployed, output))?;
        if document.is_none() {
            print_to_stderr(&format!(
                "--write-policy: {} is not written: no gateway with a known namespace is migrated",
                path.display()
            ));
        }
        Ok(document)
    }

    fn print_failures(&self, sources: &Sources) {
        for failure in &sources.failures {
            print_to_stderr(&printable(&format!("error: {failure}")));
        }
        for file in &self.changed_meanwhile {
            print_to_stderr(&format!("error: {file}: changed while it was read; run the command again"));
        }
        for (place, unsupported) in &sources.unsupported {
            print_to_stderr(&format!("not migrated: {place}: {}", unsupported.message()));
        }
        let mut last = None;
        let mut place = |index: Option<usize>| {
            let source = index.and_then(|index| sources.objects.get(index));
            // the file stays open for the next object of it
            last = source.and_then(|source| source.place.open());
            source.map(|source| located(&source.place, "")).unwrap_or_default()
        };
        for missing in self.migration.missing.iter().filter(|missing| missing.fact != Fact::Layout) {
            print_to_stderr(&printable(&format!("not migrated: {}: {}", place(missing.index), missing.message())));
        }
        for (_, place, message) in self.other.missing() {
            print_to_stderr(&printable(&format!("not migrated: {place}: {message}")));
        }
        for note in self.other.by_hand().flat_map(|plan| &plan.report.notes) {
            if note.kind == NoteKind::ByHand {
                print_to_stderr(&printable(&format!("not migrated: {}: {}", note.at, note.message)));
            }
        }
        for declined in &self.declined {
            print_to_stderr(&printable(&declined.message));
            for line in &declined.by_hand {
                print_to_stderr(&printable(&format!("  {line}")));
            }
        }
        for (object, denied) in &self.migration.denied {
            let ObjectReference { kind, namespace, name, .. } = object;
            let index = sources.find(kind, namespace, name).next().map(|(index, _)| index);
            print_to_stderr(&printable(&format!("still denied: {}: {denied}", place(index))));
        }
        for gateway in &self.migration.gateways {
            for kept in &gateway.kept {
                print_to_stderr(&printable(&format!("kept: {}: {kept}", gateway.object)));
            }
        }
        let of_sources = self.other.plans.iter().flat_map(|plan| &plan.report.notes);
        for note in of_sources.filter(|note| note.kind == NoteKind::Kept) {
            print_to_stderr(&printable(&format!("kept: {}: {}", note.at, note.message)));
        }
    }

    /// How many gateways the other sources have. Files of values and scripts can be of one release.
    fn other_gateways(&self) -> usize {
        let mut seen = HashSet::new();
        let mut number = 0;
        // what installs changed values is of the same release
        let installers = self.other.changed().filter_map(|plan| plan.installer.as_ref());
        let installers: HashSet<&str> = installers.map(|(file, _)| file.as_str()).collect();
        let is_installer =
            |plan: &&OtherPlan| plan.source_type == SourceType::Script && installers.contains(shown(&plan.file));
        for plan in self.other.changed().filter(|plan| !is_installer(plan)) {
            let is_part = matches!(plan.source_type, SourceType::HelmValues | SourceType::Script);
            let new = plan.report.gateways.iter().filter(|gateway| {
                let is_named = is_part && !gateway.service_account.contains("RELEASE");
                !is_named || seen.insert((&gateway.namespace, &gateway.service_account))
            });
            number += new.count();
        }
        number
    }

    fn finish(&self, sources: &Sources, arguments: &MigrateArguments) -> ExitCode {
        let verb = if arguments.shows_only() { "would be migrated" } else { "migrated" };
        let changed = self.changed_gateways().count();
        let complete = self.migration.gateways.len() - changed + self.other.complete;
        let total = changed + self.other_gateways();
        let mut summary = format!("{} {verb} in {}", counted(total, "gateway"), counted(self.changes.len(), "file"));
        let mut kinds: Vec<&str> = self.other.changed().map(|plan| plan.source_type.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if !kinds.is_empty() {
            summary += &format!(" ({}{})", if changed > 0 { "manifests, " } else { "" }, kinds.join(", "));
        }
        if complete > 0 {
            summary += &format!("; {complete} with workload identity already");
        }
        let left = self.left().len() + sources.unsupported.len();
        if left > 0 {
            summary += &format!("; {left} not migrated");
        }
        print_to_stderr(&summary);
        // the last is the file that a kustomization of a base at a URL got
        let marks = ["api-management", "gateway.auth.type", "workload-identity.yaml"];
        let is_about = |text: &str| marks.iter().any(|mark| text.contains(mark));
        let mut others = sources.objects.iter().filter(|source| source.other.is_some());
        let has_sources = sources.texts.iter().any(|source| is_about(&source.text))
            || others.any(|source| is_about(&source.value.to_string()));
        let is_nothing = self.migration.gateways.is_empty()
            && !has_sources
            && self.other.plans.is_empty()
            && self.other.complete == 0
            && left == 0
            && sources.failures.is_empty();
        if is_nothing {
            print_to_stderr("no gateway was found; check the path, and pass the file with the gateway's workload, too");
        }
        let has_failed = left > 0
            || is_nothing
            || !sources.failures.is_empty()
            || !self.changed_meanwhile.is_empty()
            || !self.migration.denied.is_empty();
        ExitCode::from(match () {
            () if has_failed => 2,
            () if arguments.check && !self.changes.is_empty() => 1,
            () => 0,
        })
    }
}

/// The name of a file, as messages show it.
fn shown(file: &str) -> &str {
    file_name(file)
}
