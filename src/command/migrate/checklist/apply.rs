//! The step that applies the changed files, in an order that an enforced namespace accepts.

use super::file_order::ordered;
use super::{Checklist, Steps, why_interrupted};
use crate::command::migrate::files::objects_of;
use crate::command::migrate::installed::deployer_of_chart;
use crate::command::migrate::other_sources::OtherPlan;
use crate::command::migrate::reading::{OtherSource, SourceObject, SourceType, located};
use crate::command::migrate::shown;
use apim_keyless_core::policy::shell_word;
use apim_keyless_manifest::{STANDARD_INPUT, normalized};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Kinds whose objects are in no namespace, beside those that begin with `Cluster`.
const CLUSTER_KINDS: [&str; 7] = [
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "IngressClass",
];

impl Checklist<'_> {
    pub(super) fn apply(&self, steps: &mut Steps) {
        steps.step("Apply the files in this order, or let your GitOps tool do it");
        for gateway in self.planned.changed_gateways() {
            if let Some(why) = self.sources.objects.get(gateway.index).and_then(why_interrupted) {
                steps.line(&format!("- first test the identity with another gateway than {}: {why}", gateway.object));
            }
        }
        self.chart_secrets(steps);
        let (mut overlays, mut deployers) = (BTreeSet::new(), BTreeSet::new());
        for file in self.files_in_order() {
            let deployments = self.deployed.deployments(file);
            if deployments.is_empty() {
                self.apply_file(file, steps);
            }
            for overlay in deployments {
                match overlay.deployer {
                    Some(deployer) => _ = deployers.insert((deployer, overlay.folder)),
                    None => _ = overlays.insert(overlay.folder),
                }
            }
        }
        overlays.extend(self.rendering());
        if !overlays.is_empty() || self.needs_whole_folder() {
            self.copy(steps);
        }
        let rendering_charts = self.rendering_charts();
        for folder in overlays {
            steps.line(&apply_built(&folder, rendering_charts.contains(&normalized(&folder))));
        }
        self.deployers(&deployers, steps);
        for plan in self.planned.other.changed() {
            let tool = match plan.source_type {
                SourceType::HelmRelease => ": Flux reads it from Git",
                SourceType::ArgoApplication => ", or apply it if Argo CD does not read it from Git",
                _ => continue,
            };
            steps.line(&format!("- first commit and push {}{tool}", self.written(&plan.file)));
        }
        self.installers(steps);
        let (releases, others): (Vec<&str>, Vec<&str>) =
            self.commands(|report| &report.apply).partition(|command| command.starts_with("helm upgrade RELEASE "));
        for command in others {
            steps.line(&format!("  {command}"));
        }
        if releases.len() > 1 {
            steps.line("- if several of these files are of one release, run one command with all of them, as before:");
        }
        for command in releases {
            steps.line(&format!("  {command}"));
        }
        self.scripts(steps);
    }

    /// The changed scripts. With their values they are copied over the old ones first.
    fn scripts(&self, steps: &mut Steps) {
        let is_copied = self.needs_whole_folder();
        let name = |file: &str| if is_copied { shown(file).to_owned() } else { self.written(file) };
        for plan in self.planned.other.changed().filter(|plan| plan.source_type == SourceType::Script) {
            let is_own = |other: &&OtherPlan| {
                other.installer.as_ref().is_some_and(|(installer, _)| installer == shown(&plan.file))
            };
            let installed = self.planned.other.changed().filter(is_own).map(|other| name(&other.file));
            let installed = installed.collect::<Vec<String>>().join(", ");
            let what = if installed.is_empty() { String::new() } else { format!(": it installs {installed}") };
            steps.line(&format!("- run {} as before, or its new helm commands{what}", name(&plan.file)));
        }
    }

    /// What takes the Secrets of charts: with workload identity the chart keeps no key in them.
    fn chart_secrets(&self, steps: &mut Steps) {
        let users = self.other_gateways().filter_map(|gateway| self.user_of_chart_secret(gateway));
        for (secret, user) in users.collect::<BTreeSet<_>>() {
            steps.line(&format!(
                "- first change {user}: it takes Secret \"{secret}\" of the chart, which has no key any more after the change"
            ));
        }
    }

    /// How the files get into the folders that Flux and Argo CD deploy.
    fn deployers(&self, deployers: &BTreeSet<(usize, PathBuf)>, steps: &mut Steps) {
        let mut commands = BTreeSet::new();
        for (deployer, folder) in deployers {
            let Some(source) = self.sources.objects.get(*deployer) else { continue };
            let (place, folder) = (located(&source.place, ""), shown_folder(folder));
            steps.line(&format!(
                "- commit and push {folder}: {} \"{}\" at {place} deploys it",
                source.text("/kind"),
                name(source)
            ));
            // those of a changed object are with its own commands
            let is_own = |plan: &OtherPlan| plan.source == source.reference();
            if !self.planned.other.changed().any(is_own) {
                commands.insert(sync_command(source));
            }
        }
        for command in commands {
            steps.line(&format!("  {command}"));
        }
    }

    /// The folders of the kustomizations that render a chart with a changed file of values.
    fn rendering(&self) -> BTreeSet<PathBuf> {
        let installers = self.planned.other.changed().filter_map(|plan| plan.installer.as_ref());
        let installers = installers.filter(|(_, source_type)| *source_type == SourceType::Kustomization);
        let installers: HashSet<&str> = installers.map(|(file, _)| file.as_str()).collect();
        let kustomizations = &self.deployed.kustomizations;
        let own = kustomizations.iter().filter(|(file, _)| installers.contains(shown(file)));
        let built = own.flat_map(|(file, _)| kustomizations.overlays_of_kustomization(file));
        built.map(|overlay| overlay.folder).collect()
    }

    /// How the files of values get into their releases.
    fn installers(&self, steps: &mut Steps) {
        let (mut commits, mut runs, mut commands) = (Vec::new(), Vec::new(), BTreeSet::new());
        for plan in self.planned.other.changed() {
            let Some((installer, source_type)) = plan.installer.as_ref() else { continue };
            let file = shown(&plan.file);
            match source_type {
                SourceType::Terraform | SourceType::Kustomization => {}
                SourceType::ArgoApplication | SourceType::HelmRelease => {
                    commits.push(format!("- first commit and push {file}: {installer} installs it from Git"));
                    commands.extend(self.sync_commands(installer, *source_type));
                }
                // a changed script is named with its own line
                SourceType::Script if self.is_changed_script(installer) => {}
                _ => runs.push(format!("- {installer} installs {file}: run it as before")),
            }
        }
        for line in commits.into_iter().chain(runs) {
            steps.line(&line);
        }
        for command in commands {
            steps.line(&format!("  {command}"));
        }
    }

    fn is_changed_script(&self, file: &str) -> bool {
        let mut changed = self.planned.other.changed();
        changed.any(|plan| plan.source_type == SourceType::Script && shown(&plan.file) == file)
    }

    /// The commands that let Argo CD or Flux install the releases of a file.
    fn sync_commands(&self, installer: &str, source_type: SourceType) -> Vec<String> {
        // those of a changed object are with its own commands
        let changed = self.planned.other.changed();
        if changed.into_iter().any(|plan| plan.source_type == source_type && shown(&plan.file) == installer) {
            return Vec::new();
        }
        let sources = self.sources.objects.iter();
        let is_it = |source: &SourceObject| {
            source.source_type() == source_type || deployer_of_chart(source) == Some(source_type)
        };
        let own = sources.filter(|source| is_it(source) && shown(source.place.file()) == installer);
        own.map(sync_command).collect()
    }

    /// The folders of the kustomizations that render charts of Helm, and of those that are built with them.
    fn rendering_charts(&self) -> HashSet<PathBuf> {
        let kustomizations = &self.deployed.kustomizations;
        let with_charts = kustomizations.iter().filter(|(_, value)| value.get("helmCharts").is_some());
        let folders = with_charts.flat_map(|(file, _)| {
            let own = normalized(Path::new(file)).parent().map(Path::to_owned);
            let built = kustomizations.overlays_of_kustomization(file).into_iter().map(|overlay| overlay.folder);
            own.into_iter().chain(built).collect::<Vec<_>>()
        });
        folders.collect()
    }

    /// The command that applies a file. `-n` gives a namespace to objects without one, and kubectl rejects it for objects
    /// of another namespace.
    fn apply_file(&self, file: &str, steps: &mut Steps) {
        let (mut own, mut without) = (false, false);
        for source in self.files.get(file).into_iter().flatten() {
            match source.text("/metadata/namespace") {
                "" => without |= source.other.is_none() && is_namespaced(source.text("/kind")),
                namespace => own |= namespace != self.arguments.namespace(),
            }
        }
        let namespace = shell_word(self.arguments.namespace());
        let option = if without && !own { format!(" -n {namespace}") } else { String::new() };
        if file == STANDARD_INPUT {
            steps.line(&format!("  kubectl apply -f FILE{option}"));
            steps.line("- FILE has the manifests that migrate wrote to stdout without --checklist");
            return;
        }
        steps.line(&format!("  kubectl apply -f {}{option}", shell_word(&self.written(file))));
        if without && own {
            steps.line(&format!(
                "- its objects without a namespace get that of the current context: first set it with \
                 `kubectl config set-context --current --namespace={namespace}`"
            ));
        }
    }

    /// The path of a file with its changes.
    fn written(&self, file: &str) -> String {
        self.output.of_file(file).map_or_else(|| shown(file).to_owned(), |path| path.display().to_string())
    }

    /// Whether a tool reads a changed file, or the whole folder of it, by its old name.
    fn needs_whole_folder(&self) -> bool {
        self.planned.other.changed().any(|plan| plan.source_type.needs_folder() || plan.installer.is_some())
    }

    /// How the files of `--output-dir` get beside the unchanged ones.
    fn copy(&self, steps: &mut Steps) {
        let Some(out) = &self.arguments.output_dir else { return };
        steps.line("- first copy the changed files over the old ones: these tools read all files of a folder");
        if let [folder] = self.arguments.paths.as_slice()
            && folder.is_dir()
        {
            return steps.line(&format!("  cp -R {} {}", path_word(&out.join(".")), path_word(&folder.join(""))));
        }
        for change in &self.planned.changes {
            steps.line(&format!("  cp {} {}", shell_word(&self.written(&change.file)), shell_word(&change.file)));
        }
        for (beside, path, _) in &self.planned.other.new_files {
            let written = self.output.beside(beside, path);
            steps.line(&format!("  cp {} {}", path_word(&written), path_word(path)));
        }
    }

    /// The changed files: those with the `ServiceAccount` or the `ConfigMap` of a workload in another file first.
    fn files_in_order(&self) -> Vec<&str> {
        let with_manifests = self.files_with_manifests();
        let changed = self.planned.changes.iter().filter(|change| !change.is_text).map(|change| change.file.as_str());
        let files: Vec<&str> = changed.filter(|file| with_manifests.contains(file)).collect();
        let number: HashMap<&str, usize> = files.iter().enumerate().map(|(number, file)| (*file, number)).collect();
        let needs = self.needs().filter_map(|(first, then)| Some((*number.get(first)?, *number.get(then)?)));
        ordered(files.len(), needs).into_iter().filter_map(|at| files.get(at).copied()).collect()
    }

    /// The files with manifests that change.
    fn files_with_manifests(&self) -> HashSet<&str> {
        let migration = &self.planned.migration;
        let placed = migration.created.iter().filter_map(|new| self.sources.objects.get(new.for_object));
        let changed = self.sources.objects.iter().zip(&migration.changed).filter(|(source, changed)| {
            let is_built = matches!(source.other, None | Some(OtherSource::Kustomization | OtherSource::Generator(_)));
            changed.is_some() && is_built
        });
        placed.chain(changed.map(|(source, _)| source)).map(|source| source.place.file()).collect()
    }

    /// Pairs of files: an object in the first one is taken by a gateway whose workload is in the second.
    fn needs(&self) -> impl Iterator<Item = (&str, &str)> {
        let migration = &self.planned.migration;
        let file = |index: usize| self.sources.objects.get(index).map(|source| source.place.file());
        let created: HashMap<(&str, &str, &str), usize> = migration
            .created
            .iter()
            .filter_map(|created| {
                let text = |pointer| created.value.pointer(pointer).and_then(serde_json::Value::as_str);
                let name = (text("/kind")?, created.namespace.as_str(), text("/metadata/name")?);
                Some((name, created.for_object))
            })
            .collect();
        migration.gateways.iter().flat_map(move |gateway| {
            let namespace = gateway.object.namespace.as_str();
            let old = objects_of(self.sources, gateway).map(|(_, source)| source.place.file());
            let new = gateway.objects().filter_map(|(kind, name)| created.get(&(kind, namespace, name)));
            let new: Vec<&str> = new.filter_map(|index| file(*index)).collect();
            let own = file(gateway.index);
            old.chain(new).filter_map(move |needed| Some((needed, own?))).collect::<Vec<_>>()
        })
    }
}

/// The command that applies what a kustomization builds. `kubectl apply -k` renders no charts of Helm.
fn apply_built(folder: &Path, has_charts: bool) -> String {
    let folder = shown_folder(folder);
    if has_charts {
        format!("  kubectl kustomize --enable-helm {folder} | kubectl apply -f -")
    } else {
        format!("  kubectl apply -k {folder}")
    }
}

/// A path as a word of a shell.
fn path_word(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

/// A folder as a word of a shell.
fn shown_folder(folder: &Path) -> String {
    let is_current = folder.as_os_str().is_empty();
    shell_word(&if is_current { ".".to_owned() } else { folder.display().to_string() })
}

/// The command that lets Flux or Argo CD read Git again.
fn sync_command(source: &SourceObject) -> String {
    let (name, namespace) = (shell_word(&name(source)), shell_word(&source.namespace));
    match source.text("/kind") {
        "HelmRelease" => format!("flux reconcile helmrelease {name} -n {namespace} --with-source"),
        "Kustomization" => format!("flux reconcile kustomization {name} -n {namespace} --with-source"),
        _ => format!("argocd app sync {name}"),
    }
}

/// The name of an object, or of those that it makes.
fn name(source: &SourceObject) -> String {
    let names = ["/metadata/name", "/spec/template/metadata/name"].map(|at| source.text(at).to_owned());
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "NAME".to_owned())
}

fn is_namespaced(kind: &str) -> bool {
    !CLUSTER_KINDS.contains(&kind) && !kind.starts_with("Cluster") && !kind.ends_with("WebhookConfiguration")
}
