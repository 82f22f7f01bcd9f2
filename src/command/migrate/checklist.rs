//! What a person does after the files were changed: the steps of a migration, in an order in which each gateway can always authenticate.

mod apply;
mod cleanup;
mod file_order;
mod identities;
mod revoking;

use super::deployed::Deployed;
use super::files::{OutputPaths, followers};
use super::fillers::Fillers;
use super::in_use::OpenGateways;
use super::open_sources::OpenSources;
use super::reading::{SourceObject, SourceType, Sources, located};
use super::secret_users::SecretUsers;
use super::{Planned, shown};
use crate::cli::MigrateArguments;
use crate::migration_sources::{NoteKind, SourceGateway, SourceReport};
use apim_keyless_core::migration::{Fact, MigratedGateway, MissingFact, names_in_keys};
use apim_keyless_core::policy::{printable, shell_word};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

pub(super) struct Checklist<'c> {
    pub(super) sources: &'c Sources,
    pub(super) planned: &'c Planned,
    pub(super) output: &'c OutputPaths,
    pub(super) arguments: &'c MigrateArguments,
    pub(super) deployed: Deployed<'c>,
    open: OpenGateways<'c>,
    open_sources: OpenSources,
    users: SecretUsers<'c>,
    fillers: Fillers<'c>,
    /// By the name of a gateway in lower case, because Azure ignores the case: the place of an object or values that have its
    /// key after the migration.
    key_users: HashMap<String, String>,
    /// The objects of each file.
    files: HashMap<&'c str, Vec<&'c SourceObject>>,
}

/// The numbered steps.
#[derive(Default)]
struct Steps {
    text: String,
    number: usize,
    /// The lines of the current step that are printed once.
    once: BTreeSet<String>,
}

impl Steps {
    fn step(&mut self, title: &str) {
        self.number += 1;
        self.once.clear();
        let separator = if self.text.is_empty() { "" } else { "\n" };
        // writing to a String cannot fail
        _ = writeln!(self.text, "{separator}{}. {title}", self.number);
    }

    /// Adds a line that the step does not have yet.
    fn line_once(&mut self, line: &str) {
        if self.once.insert(line.to_owned()) {
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        _ = writeln!(self.text, "   {}", printable(line));
    }
}

impl<'c> Checklist<'c> {
    pub(super) fn new(
        sources: &'c Sources,
        planned: &'c Planned,
        output: &'c OutputPaths,
        arguments: &'c MigrateArguments,
    ) -> Self {
        let deployed = Deployed::of(sources, planned);
        let open = OpenGateways::of(sources, planned);
        let open_sources = OpenSources::of(sources, planned);
        let users = SecretUsers::of(sources, planned, &deployed, &open.objects);
        let mut files: HashMap<&str, Vec<&SourceObject>> = HashMap::new();
        for source in &sources.objects {
            files.entry(source.place.file()).or_default().push(source);
        }
        let key_users = key_users(sources, planned);
        let fillers = Fillers::of(sources);
        Self { sources, planned, output, arguments, deployed, open, open_sources, users, fillers, key_users, files }
    }

    /// The steps; empty if nothing was migrated.
    pub(super) fn text(&self) -> String {
        if self.planned.changed_gateways().next().is_none() && self.planned.other.with_work().next().is_none() {
            return String::new();
        }
        if self.planned.changed_gateways().next().is_none() && self.planned.other.changed().next().is_none() {
            return self.left_by_hand();
        }
        let mut steps = Steps::default();
        self.review(&mut steps);
        self.identities(&mut steps);
        self.apply(&mut steps);
        self.verify(&mut steps);
        let last = steps.number + 1;
        self.clean_up(&mut steps);
        self.way_back(&mut steps.text, last);
        steps.text
    }

    fn way_back(&self, text: &mut String, last: usize) {
        let is_release_of_terraform = || {
            let is_changed = self.planned.other.changed().any(|plan| plan.source_type == SourceType::Terraform);
            let mut texts = self.sources.texts.iter().filter(|source| source.source_type == SourceType::Terraform);
            is_changed && texts.any(|source| source.text.contains("\"helm_release\""))
        };
        let is_helm =
            self.planned.other.changed().any(|plan| plan.source_type.is_of_helm()) || is_release_of_terraform();
        // Argo CD and Kustomize render charts, and make no releases of Helm
        let is_release = is_release_of_terraform()
            || self.planned.other.changed().any(|plan| {
                let is_rendered =
                    matches!(&plan.installer, Some((_, SourceType::ArgoApplication | SourceType::Kustomization)));
                let is_of_helm = plan.source_type.is_of_helm() && plan.source_type != SourceType::ArgoApplication;
                is_of_helm && !is_rendered && !self.only_renders(&plan.file)
            });
        let has_manifests = self.planned.changed_gateways().next().is_some();
        let secrets = if is_helm { "" } else { " Their Secrets still exist." };
        let loses_secret = is_helm && self.other_gateways().any(|gateway| gateway.chart_secret.is_some());
        _ = writeln!(
            text,
            "\nThe way back, until step {last}: apply the old files (`git revert` of the change).{secrets} An \
             enforced\nnamespace denies them, so set its label apim-keyless.dev/mode to audit first."
        );
        if is_helm && has_manifests {
            *text += "The Secrets of manifests still exist.\n";
        }
        if loses_secret && is_release {
            *text += "The upgrade deletes the Secret of the chart (secret.createSecret: false). `helm rollback -n NAMESPACE \
                      RELEASE`\nrestores it. If the old values have the key, installing them again restores it, too.\n";
        } else if loses_secret {
            *text += "The change deletes the Secret of the chart (secret.createSecret: false). The old files restore it, if they \
                      have the key.\n";
        }
    }

    /// Whether the commands of a script render charts, and make no releases.
    fn only_renders(&self, file: &str) -> bool {
        let mut texts = self.sources.texts.iter().filter(|source| source.file == file);
        let has_release = |text: &str| ["upgrade", "install"].iter().any(|command| text.contains(command));
        texts.any(|source| source.text.contains("helm template ") && !has_release(&source.text))
    }

    /// Commands of the other sources, each once.
    fn commands(&self, of: fn(&SourceReport<String>) -> &Vec<String>) -> impl Iterator<Item = &str> {
        let commands = self.planned.other.plans.iter().flat_map(move |plan| of(&plan.report));
        let mut seen = BTreeSet::new();
        commands.map(String::as_str).filter(move |command| seen.insert(*command))
    }

    /// The gateways of the other sources.
    fn other_gateways(&self) -> impl Iterator<Item = &SourceGateway> {
        self.planned.other.changed().flat_map(|plan| &plan.report.gateways)
    }

    /// What a person has to do if nothing changes.
    fn left_by_hand(&self) -> String {
        let mut text = "To do by hand:\n".to_owned();
        // the keys of a gateway that is left are still used
        let is_shown = |kind: NoteKind| match kind {
            NoteKind::Key | NoteKind::ClientSecret => self.planned.left().is_empty(),
            kind => kind == NoteKind::ByHand,
        };
        let notes = self.planned.other.plans.iter().flat_map(|plan| &plan.report.notes);
        let by_hand = notes.filter(|note| is_shown(note.kind)).map(|note| format!("- {}: {}", note.at, note.message));
        let mut seen = BTreeSet::new();
        for line in
            by_hand.chain(self.after_rollout(self.planned.other.plans.iter())).filter(|line| seen.insert(line.clone()))
        {
            text += &printable(&line);
            text.push('\n');
        }
        if seen.is_empty() { String::new() } else { text }
    }

    /// What was guessed, and what could not be done in the files.
    fn review(&self, steps: &mut Steps) {
        let gateways = self.planned.changed_gateways();
        let notes = |gateway: &MigratedGateway| {
            let guesses = gateway.guesses.iter().cloned();
            let order = self.order_notes(gateway);
            let namespace = self.namespace_note(gateway);
            guesses.chain(namespace).chain(gateway.to_do.iter().cloned()).chain(order).collect::<Vec<_>>()
        };
        let with_notes: Vec<_> = gateways.map(|gateway| (gateway, notes(gateway))).collect();
        let read = match &self.arguments.output_dir {
            Some(folder) => {
                let folder = folder.display().to_string();
                format!("Compare the files in {} with the old ones (`diff -u`)", printable(&folder))
            }
            None => "Read the changed files (`git diff`)".to_owned(),
        };
        steps.step(&format!("{read}, and check what was guessed"));
        for (gateway, notes) in with_notes.iter().filter(|(_, notes)| !notes.is_empty()) {
            steps.line(&format!("{}:", gateway.object));
            for note in notes {
                steps.line(&format!("- {note}"));
            }
        }
        for (object, denied) in &self.planned.migration.denied {
            steps.line(&format!("- still denied: {object}: {denied}"));
        }
        let missing = self.planned.migration.missing.iter().filter(|missing| missing.fact != Fact::Layout);
        for message in missing.map(MissingFact::message) {
            steps.line(&format!("- not migrated: {message}"));
        }
        for declined in &self.planned.declined {
            steps.line(&format!("- not migrated: {}: change it by hand", declined.gateway));
        }
        for note in self.planned.other.plans.iter().flat_map(|plan| &plan.report.notes) {
            let (at, message) = (&note.at, &note.message);
            match note.kind {
                NoteKind::Guess | NoteKind::ByHand => steps.line(&format!("- {at}: {message}")),
                _ => {}
            }
        }
        if self.arguments.output_dir.is_some() && self.planned.other.by_hand().next().is_some() {
            steps.line("Change the new files, if they have these places. The lines are those of the old files.");
        }
    }

    /// What to check if the manifest of a gateway names no namespace and no flag does.
    fn namespace_note(&self, gateway: &MigratedGateway) -> Option<String> {
        let source = self.sources.objects.get(gateway.index)?;
        let namespace = self.arguments.namespace();
        let is_guess = self.arguments.namespace.is_none() && source.text("/metadata/namespace").is_empty();
        let is_deployed_there = || self.deployed.gateways(gateway).iter().any(|at| at.namespace == namespace);
        (is_guess && is_deployed_there())
            .then(|| format!("Check namespace {namespace}: the manifest names none, and neither does --namespace"))
    }

    /// What follows a workload in its file and could not be moved before it.
    fn order_notes(&self, gateway: &MigratedGateway) -> Vec<String> {
        let objects = followers(self.sources, &self.planned.migration, gateway).into_iter();
        let objects = objects.filter_map(|index| self.sources.objects.get(index));
        let fixed = objects.filter(|source| !source.place.is_yaml_document());
        fixed
            .map(|source| {
                format!(
                    "apply {} twice in an enforced namespace: {} \"{}\" follows the workload in its list",
                    shown(source.place.file()),
                    source.text("/kind"),
                    source.text("/metadata/name")
                )
            })
            .collect()
    }

    fn verify(&self, steps: &mut Steps) {
        steps.step("Wait for each rollout, and see in the Azure portal that each gateway has a heartbeat");
        for gateway in self.planned.changed_gateways() {
            let kind = &gateway.object.kind;
            let source = self.sources.objects.get(gateway.index);
            let is_on_delete = source.is_some_and(is_on_delete);
            if is_on_delete {
                steps.line(&format!(
                    "- {}: delete its Pods one by one, each when the one before is replaced: updateStrategy is OnDelete",
                    gateway.object
                ));
            }
            let verb = match kind.as_str() {
                "Deployment" | "StatefulSet" | "DaemonSet" if !is_on_delete => "rollout status",
                _ => "get",
            };
            for deployed in self.deployed.gateways(gateway) {
                let workload = shell_word(&format!("{}/{}", kind.to_ascii_lowercase(), deployed.workload));
                steps.line(&format!("  kubectl {verb} -n {} {workload}", shell_word(&deployed.namespace)));
            }
        }
        let namespaces: BTreeSet<&str> =
            self.other_gateways().filter_map(|gateway| gateway.namespace.as_deref()).collect();
        for namespace in namespaces {
            let namespace = shell_word(namespace);
            steps
                .line(&format!("  kubectl get pods -n {namespace} -l app.kubernetes.io/component=self-hosted-gateway"));
        }
        steps.line("ConfigurationApiV2NotAvailable in the log of a Pod means that the identity is not ready: a new");
        steps
            .line("federated credential takes minutes. A RollingUpdate of a Deployment keeps the old Pods until then.");
    }
}

fn is_on_delete(workload: &SourceObject) -> bool {
    workload.text("/spec/updateStrategy/type") == "OnDelete"
}

/// Why no Pod of a workload runs for a moment during its rollout, if that is so.
fn why_interrupted(workload: &SourceObject) -> Option<&'static str> {
    if workload.text("/spec/strategy/type") == "Recreate" {
        return Some("strategy is Recreate, so all old Pods stop before a new one starts");
    }
    let replicas = workload.value.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let is_alone = workload.text("/kind") == "StatefulSet" && !is_on_delete(workload) && replicas <= 1;
    is_alone.then_some("its only Pod stops before the new one starts")
}

/// What has the keys of gateways after the migration, by the names of the gateways. Secrets, and what makes them, are removed
/// with the keys.
fn key_users(sources: &Sources, planned: &Planned) -> HashMap<String, String> {
    let elsewhere = sources.keys_elsewhere.iter();
    let mut users: HashMap<String, String> =
        elsewhere.map(|(name, place)| (name.to_lowercase(), place.clone())).collect();
    for (index, source) in sources.objects.iter().enumerate() {
        let is_of_keys = matches!(source.source_type(), SourceType::Kustomization) || source.text("/kind") == "Secret";
        let value = planned.migration.value_of(index, &source.value);
        if is_of_keys || source.keys.is_empty() {
            continue;
        }
        for name in names_in_keys(&value.to_string()) {
            users.entry(name.to_lowercase()).or_insert_with(|| located(&source.place, ""));
        }
    }
    users
}
