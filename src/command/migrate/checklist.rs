//! What to do beside the files: the steps of a migration, in an order in which each gateway can always authenticate.
// longer than the guide: the steps are one list, and each is only a few lines

use super::deployed::Deployed;
use super::files::{OutputPaths, followers, is_of};
use super::in_use::OpenGateways;
use super::open_sources::OpenSources;
use super::reading::{OtherSource, SourceType, Sources};
use super::{Planned, shown};
use crate::cli::MigrateArguments;
use crate::migration_sources::{NoteKind, SourceGateway, SourceReport};
use apim_keyless_core::azure::{AUDIENCE, FederatedCredential, MAX_CREDENTIALS};
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::migration::{Created, Fact, MigratedGateway, MissingFact};
use apim_keyless_core::policy::{printable, shell_quoted, shell_word};
use apim_keyless_report::counted;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

/// Microsoft's article, with the roles that the API Management instance and the identity need.
const ARTICLE: &str = "https://learn.microsoft.com/azure/api-management/self-hosted-gateway-enable-workload-identity";

pub(super) struct Checklist<'c> {
    pub(super) sources: &'c Sources,
    pub(super) planned: &'c Planned,
    pub(super) output: &'c OutputPaths,
    pub(super) arguments: &'c MigrateArguments,
    pub(super) deployed: Deployed<'c>,
    pub(super) open: OpenGateways<'c>,
    pub(super) open_sources: OpenSources<'c>,
}

/// An app or a managed identity.
#[derive(Default)]
struct Identity {
    /// The `ServiceAccount`s that use it, each with its namespace before it.
    subjects: BTreeSet<(String, String)>,
    /// Whether it did not authenticate a gateway before.
    is_new: bool,
}

/// The numbered steps.
#[derive(Default)]
pub(super) struct Steps {
    text: String,
    number: usize,
}

impl Steps {
    pub(super) fn step(&mut self, title: &str) {
        self.number += 1;
        let separator = if self.text.is_empty() { "" } else { "\n" };
        // writing to a String cannot fail
        _ = writeln!(self.text, "{separator}{}. {title}", self.number);
    }

    pub(super) fn line(&mut self, line: &str) {
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
        let deployed = Deployed::of(sources, &planned.migration);
        let open = OpenGateways::of(sources, planned);
        let open_sources = OpenSources::of(sources, planned);
        Self { sources, planned, output, arguments, deployed, open, open_sources }
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
        self.delete(&mut steps);
        self.revoke(&mut steps);
        let last = if self.has_obsolete() { steps.number - 1 } else { steps.number };
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
        let has_manifests = self.planned.changed_gateways().next().is_some();
        let secrets = if is_helm { "" } else { " Their Secrets still exist." };
        _ = writeln!(
            text,
            "\nThe way back, until step {last}: apply the old files (`git revert` of the change).{secrets} An \
             enforced\nnamespace denies them, so set its label apim-keyless.dev/mode to audit first."
        );
        if is_helm && has_manifests {
            *text += "The Secrets of manifests still exist.\n";
        }
        if is_helm {
            *text += "The upgrade deletes the Secret of the chart (secret.createSecret: false). `helm rollback RELEASE` restores \
                      it;\nso does a release of the old files, if they have the key.\n";
        }
    }

    pub(super) fn has_obsolete(&self) -> bool {
        !self.planned.migration.obsolete.is_empty()
            || self.planned.other.plans.iter().any(|plan| !plan.report.delete.is_empty())
            || self.after_rollout().next().is_some()
    }

    /// What a person removes from the other sources after the rollout.
    pub(super) fn after_rollout(&self) -> impl Iterator<Item = String> {
        let plans = self.planned.other.plans.iter().filter(|plan| self.open_sources.place_of_source(plan).is_none());
        let notes = plans.flat_map(|plan| &plan.report.notes);
        notes.filter(|note| note.kind == NoteKind::AfterRollout).map(|note| format!("- {}: {}", note.at, note.message))
    }

    /// Commands of the other sources, each once.
    fn commands(&self, of: fn(&SourceReport<String>) -> &Vec<String>) -> impl Iterator<Item = &str> {
        let commands = self.planned.other.plans.iter().flat_map(move |plan| of(&plan.report));
        let mut seen = BTreeSet::new();
        commands.map(String::as_str).filter(move |command| seen.insert(*command))
    }

    /// The gateways of the other sources.
    pub(super) fn other_gateways(&self) -> impl Iterator<Item = &SourceGateway> {
        self.planned.other.changed().flat_map(|plan| &plan.report.gateways)
    }

    /// What a person has to do if nothing changes.
    fn left_by_hand(&self) -> String {
        let mut text = "To do by hand:\n".to_owned();
        let notes = self.planned.other.plans.iter().flat_map(|plan| &plan.report.notes);
        for note in notes.filter(|note| !matches!(note.kind, NoteKind::Guess | NoteKind::Missing(_))) {
            text += &printable(&format!("- {}: {}", note.at, note.message));
            text.push('\n');
        }
        text
    }

    /// What was guessed, and what could not be done in the files.
    fn review(&self, steps: &mut Steps) {
        let gateways = self.planned.changed_gateways();
        let notes = |gateway: &MigratedGateway| {
            let guesses = gateway.guesses.iter().cloned();
            let order = self.order_notes(gateway);
            guesses.chain(gateway.to_do.iter().cloned()).chain(order).collect::<Vec<_>>()
        };
        let with_notes: Vec<_> = gateways.map(|gateway| (gateway, notes(gateway))).collect();
        steps.step("Read the changed files (`git diff`), and check what was guessed");
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
        for note in self.planned.other.with_work().flat_map(|plan| &plan.report.notes) {
            let (at, message) = (&note.at, &note.message);
            match note.kind {
                NoteKind::Guess | NoteKind::ByHand => steps.line(&format!("- {at}: {message}")),
                NoteKind::AfterRollout | NoteKind::Key | NoteKind::Missing(_) => {}
            }
        }
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

    fn identities(&self, steps: &mut Steps) {
        let mut identities: BTreeMap<&str, Identity> = BTreeMap::new();
        for gateway in self.planned.changed_gateways() {
            let Some(client_id) = gateway.client_id.as_deref() else { continue };
            let identity = identities.entry(client_id).or_default();
            for deployed in self.deployed.gateways(gateway) {
                identity.subjects.insert((deployed.namespace, deployed.service_account));
            }
            identity.is_new |= gateway.from != Authentication::EntraApp;
        }
        for gateway in self.other_gateways() {
            let identity = identities.entry(gateway.client_id.as_deref().unwrap_or("CLIENT_ID")).or_default();
            let namespace = gateway.namespace.as_deref().unwrap_or("NAMESPACE");
            identity.subjects.insert((namespace.to_owned(), gateway.service_account.clone()));
            identity.is_new = true;
        }
        steps.step("Give each identity its role and its federated credentials, before anything is applied");
        steps.line("ISSUER is the OIDC issuer of the cluster, with its final slash. On AKS:");
        steps.line("  az aks show -g GROUP -n CLUSTER --query oidcIssuerProfile.issuerUrl -o tsv");
        for (client_id, Identity { subjects, is_new }) in identities {
            let role = if is_new {
                format!("needs the right to read the gateway's configuration: {ARTICLE}")
            } else {
                "has its role already, as the old Entra app".to_owned()
            };
            steps.line(&format!("Client {client_id} {role}"));
            if subjects.len() > MAX_CREDENTIALS {
                steps.line(&format!(
                    "- it would need {}, and an identity has at most {MAX_CREDENTIALS}: use more identities",
                    counted(subjects.len(), "credential")
                ));
            }
            for (namespace, account) in subjects {
                let credential = FederatedCredential::new(None, &namespace, &account);
                let parameters = json!({
                    "name": credential.name,
                    "issuer": "ISSUER",
                    "subject": credential.subject,
                    "audiences": [AUDIENCE],
                });
                let (id, parameters) = (shell_word(client_id), shell_quoted(&printable(&parameters.to_string())));
                steps.line(&format!("  az ad app federated-credential create --id {id} --parameters \\"));
                steps.line(&format!("    {parameters}"));
            }
        }
        steps.line("For a managed identity, with the same names and subjects:");
        steps.line("  az identity federated-credential create --resource-group GROUP --identity-name IDENTITY \\");
        steps.line(&format!("    --name NAME --issuer ISSUER --subject SUBJECT --audiences {AUDIENCE}"));
        steps
            .line("`apim-keyless plan` writes these commands and those for the roles as a script, Bicep or Terraform.");
    }

    fn apply(&self, steps: &mut Steps) {
        steps.step("Apply the files in this order, or let your GitOps tool do it");
        let namespace = match self.arguments.namespace.as_str() {
            "default" => String::new(),
            name => format!(" -n {}", shell_word(name)),
        };
        let (mut overlays, kustomizations) = (BTreeSet::new(), &self.deployed.kustomizations);
        for file in self.files_in_order() {
            let mut built: BTreeSet<PathBuf> =
                kustomizations.overlays_of(file).into_iter().map(|overlay| overlay.folder).collect();
            if kustomizations.iter().any(|(kustomization, _)| kustomization == file) {
                let outer = kustomizations.overlays_of_kustomization(file);
                built.extend(outer.into_iter().map(|overlay| overlay.folder));
            }
            overlays.extend(built.iter().cloned());
            if !built.is_empty() {
                continue;
            }
            steps.line(&format!("  kubectl apply{namespace} -f {}", shell_word(&self.written(file))));
        }
        if !overlays.is_empty() || self.needs_whole_folder() {
            self.copy(steps);
        }
        for folder in overlays {
            steps.line(&format!("  kubectl apply -k {}", shell_word(&folder.display().to_string())));
        }
        for plan in self.planned.other.changed() {
            let tool = match plan.source_type {
                SourceType::HelmRelease => ": Flux reads it from Git",
                SourceType::ArgoApplication => ", or apply it if Argo CD does not read it from Git",
                _ => continue,
            };
            steps.line(&format!("- first commit and push {}{tool}", self.written(&plan.file)));
        }
        for command in self.commands(|report| &report.apply) {
            steps.line(&format!("  {command}"));
        }
        for plan in self.planned.other.changed().filter(|plan| plan.source_type == SourceType::Script) {
            steps.line(&format!("- run {} as before, or its new helm commands", self.written(&plan.file)));
        }
    }

    /// The path of a file with its changes.
    fn written(&self, file: &str) -> String {
        self.output.of_file(file).map_or_else(|| shown(file).to_owned(), |path| path.display().to_string())
    }

    /// Whether a tool reads the whole folder of a changed file.
    fn needs_whole_folder(&self) -> bool {
        self.planned.other.changed().any(|plan| plan.source_type.needs_folder())
    }

    /// How the files of `--output-dir` get beside the unchanged ones.
    fn copy(&self, steps: &mut Steps) {
        let Some(out) = &self.arguments.output_dir else { return };
        steps.line("- first copy the changed files over the old ones: these tools read all files of a folder");
        if let [folder] = self.arguments.paths.as_slice()
            && folder.is_dir()
        {
            return steps.line(&format!("  cp -R {}/. {}/", out.display(), folder.display()));
        }
        for change in &self.planned.changes {
            steps.line(&format!("  cp {} {}", self.written(&change.file), change.file));
        }
        for (beside, path, _) in &self.planned.other.new_files {
            let written = self.output.beside(beside, path);
            steps.line(&format!("  cp {} {}", written.display(), path.display()));
        }
    }

    /// The changed files: those with the `ServiceAccount` or the `ConfigMap` of a workload in another file first.
    fn files_in_order(&self) -> Vec<&str> {
        let objects = || self.sources.objects.iter().zip(&self.planned.migration.changed);
        let has_manifests = |file: &&str| {
            let mut placed =
                self.planned.migration.created.iter().filter_map(|new| self.sources.objects.get(new.for_object));
            placed.any(|source| source.place.file() == *file)
                || objects().any(|(source, changed)| {
                    let is_built =
                        matches!(source.other, None | Some(OtherSource::Kustomization | OtherSource::Generator(_)));
                    source.place.file() == *file && changed.is_some() && is_built
                })
        };
        let changed = self.planned.changes.iter().filter(|change| !change.is_text).map(|change| change.file.as_str());
        let mut left: Vec<&str> = changed.filter(has_manifests).collect();
        let mut ordered = Vec::new();
        while !left.is_empty() {
            let waits = |file: &&str| left.iter().any(|other| other != file && self.is_needed_by(other, file));
            let next = left.iter().position(|file| !waits(file)).unwrap_or_default();
            ordered.push(left.remove(next));
        }
        ordered
    }

    /// Whether the file `needed` has an object of a gateway whose workload is in `file`.
    fn is_needed_by(&self, needed: &str, file: &str) -> bool {
        self.planned.migration.gateways.iter().any(|gateway| {
            let place = |index: usize| self.sources.objects.get(index).map(|source| source.place.file());
            let has_old = || {
                let mut sources = self.sources.objects.iter().filter(|source| source.place.file() == needed);
                sources.any(|source| is_of(gateway, source))
            };
            let is_new =
                |created: &Created| place(created.for_object) == Some(needed) && is_created_for(gateway, created);
            let has_new = || self.planned.migration.created.iter().any(is_new);
            place(gateway.index) == Some(file) && (has_old() || has_new())
        })
    }

    fn verify(&self, steps: &mut Steps) {
        steps.step("Wait for each rollout, and see in the Azure portal that each gateway has a heartbeat");
        for gateway in self.planned.changed_gateways() {
            let kind = &gateway.object.kind;
            let source = self.sources.objects.get(gateway.index);
            let is_strategy = |at: &str, strategy: &str| source.is_some_and(|source| source.text(at) == strategy);
            let is_on_delete = is_strategy("/spec/updateStrategy/type", "OnDelete");
            if is_on_delete {
                steps.line(&format!(
                    "- {}: delete its Pods one by one, each when the one before is replaced: updateStrategy is OnDelete",
                    gateway.object
                ));
            } else if is_strategy("/spec/strategy/type", "Recreate") {
                steps.line(&format!(
                    "- {}: test the identity with another gateway first: strategy is Recreate, so all old Pods stop before \
                     a new one starts",
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
        steps.line("ConfigurationApiV2NotAvailable in the log of a Pod means that the identity is not ready: a new");
        steps.line("federated credential takes minutes. Until a new Pod is ready, a RollingUpdate keeps the old ones.");
    }
}

/// Whether a new object is the `ServiceAccount` or a `ConfigMap` of the gateway.
fn is_created_for(gateway: &MigratedGateway, created: &Created) -> bool {
    let namespace = gateway.object.namespace.as_str();
    created.is("ServiceAccount", namespace, &gateway.service_account)
        || gateway.config_maps.iter().any(|name| created.is("ConfigMap", namespace, name))
}
