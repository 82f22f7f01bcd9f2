//! From an auth key or an Entra app to workload identity in sources that are not plain manifests: values of Microsoft's
//! chart, what hands them to Helm, Terraform, and Kustomize.
//!
//! Each source is a module with a function from its content to what changes in it. Nothing here reads or writes files. What
//! cannot be changed safely is described, with its place, for a person to write by hand. No description quotes a key.

mod argo_application;
mod built_gateway;
mod chart_values;
mod chart_version;
mod command_versions;
mod deployer;
mod embedded_texts;
mod field_path;
mod generator;
mod helm_command;
mod helm_file;
mod helm_release;
mod helm_values;
mod helmfile;
mod installed_release;
mod kustomize;
mod layers;
mod leftovers;
mod lines;
mod merge_patch;
mod nested_text;
mod overlay;
mod patch;
mod patch_finder;
mod patch_target;
mod plugin;
mod remote_base;
mod script_lines;
mod script_variables;
mod secret_takers;
mod shell_words;
mod terraform;
mod unread_method;
mod value_path;

pub use built_gateway::{BuiltGateway, Evaluation, gateways_of_charts};
pub use chart_version::{NEW_VERSION as CHART_VERSION, OLD_CHART, REPOSITORY as CHART_REPOSITORY, is_old_chart};
pub use deployer::Deployer;
pub use generator::{ChangedEntry, changed_in_files, gateways_of_keys, generated_config_maps, write_generated};
pub use helm_command::migrate_script;
pub use helmfile::{files_of_helmfile, has_gateway_release, migrate_helmfile};
pub use installed_release::{
    InstalledLayer, InstalledRelease, aliases, gateway_of_release, is_name_of_chart, merged_values, problems_of_values,
    releases_of_object, releases_of_script, releases_of_terraform, relevant_values, selects_identity, value_at,
};
pub use kustomize::{GeneratedConfigMap, KnownOfKustomization, KustomizeMigration, migrate_kustomization};
pub use leftovers::{BuiltReport, first_patch, has_changes, patched_by, report_about_built};
pub use overlay::{Kustomizations, Overlay, generated_secrets};
pub use patch_target::BuiltNames;
pub use remote_base::has_remote_base;
pub use script_lines::{ScriptedGateway, commands_on_gateways};
pub use secret_takers::{TakenSecret, lines_of_commands, taken_in_script, words};
pub use terraform::{
    FilesBeside, OtherResource, files_of_one_document, left_settings, migrate_terraform, other_resources,
    taken_in_terraform, unread_line,
};
pub use unread_method::{line_with_values, lines_with_key, other_settings, unread_method};

use apim_keyless_core::gateway::{Authentication, Images};
use apim_keyless_core::migration::{Fact, Facts};
use apim_keyless_core::policy::{NamespaceSetting, shell_word};
use jsonptr::PointerBuf;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

/// What a migration needs beside the source.
#[derive(Clone, Copy, Debug)]
pub struct SourceContext<'c> {
    /// What a person stated.
    pub facts: &'c Facts,
    /// The images that are the gateway's.
    pub images: &'c Images,
}

/// Something that a person has to know or to do, and where it is: a JSON pointer into an object, or a line of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<At> {
    /// The place.
    pub at: At,
    /// What kind of note it is.
    pub kind: NoteKind,
    /// One or more sentences, which begin with what to do; of [`NoteKind::ByHand`] also lines to write.
    pub message: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// The source cannot be changed safely here; the message says what to write.
    ByHand,
    /// What to remove by hand after the rollout.
    AfterRollout,
    /// An auth key in plain text.
    Key,
    /// The client secret of an Entra app in plain text.
    ClientSecret,
    /// What a gateway with workload identity keeps although a flag states something else.
    Kept,
    /// A fact without which the gateway was left as it is.
    Missing(Fact),
    /// A value that was not written in the source; a person should check it.
    Guess,
}

impl NoteKind {
    /// Whether a person has to do something before nothing needs the old key any more.
    pub fn is_open(self) -> bool {
        matches!(self, Self::ByHand | Self::Missing(_))
    }
}

/// A gateway of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceGateway {
    /// How it authenticated.
    pub from: Authentication,
    /// The client id of the Entra app as which it authenticated.
    pub old_client_id: Option<String>,
    /// The namespace, if the source says it.
    pub namespace: Option<String>,
    /// The `ServiceAccount` that it runs under now: the federated credential names it. In capitals what the source does
    /// not say, as in `RELEASE-azure-api-management-gateway`.
    pub service_account: String,
    /// Its client id.
    pub client_id: Option<String>,
    /// The name of the gateway resource, if the source says it.
    pub gateway_name: Option<String>,
    /// The name of the Secret that Microsoft's chart makes for the release: with workload identity it has no key.
    pub chart_secret: Option<String>,
}

impl Default for SourceGateway {
    fn default() -> Self {
        Self {
            from: Authentication::Unknown,
            old_client_id: None,
            namespace: None,
            service_account: String::new(),
            client_id: None,
            gateway_name: None,
            chart_secret: None,
        }
    }
}

/// What a person has to know about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport<At> {
    /// The gateways whose source changed, or that have to be changed by hand.
    pub gateways: Vec<SourceGateway>,
    /// What to know or to do, in the order of the source.
    pub notes: Vec<Note<At>>,
    /// Commands that apply the change.
    pub apply: Vec<String>,
    /// The Secrets that nothing needs after the rollout.
    pub delete: Vec<ObsoleteSecret>,
    /// The names, or the expressions, of Secrets that hold a key and that another tool than kubectl deletes.
    pub key_secrets: Vec<String>,
    /// The resources that are such Secrets. Each has a note of [`NoteKind::AfterRollout`] at the same place.
    pub key_resources: Vec<KeyResource<At>>,
}

/// A resource of a configuration that is the Secret of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyResource<At> {
    /// Its place.
    pub at: At,
    /// What refers to it, such as `kubernetes_secret_v1.token`.
    pub reference: String,
    /// The name of the Secret, or its expression.
    pub name: String,
}

/// A Secret that nothing needs after the rollout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObsoleteSecret {
    /// Its namespace, if the source says it.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Display for ObsoleteSecret {
    /// The command that deletes it. What is in capitals is not known.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.as_deref().unwrap_or("NAMESPACE");
        write!(formatter, "kubectl delete -n {} secret {}", shell_word(namespace), self.name)
    }
}

impl<At> SourceReport<At> {
    /// Adds a Secret that is to be deleted. A name that the API server rejects belongs to none, and kubectl could read it as
    /// a flag: `--all`.
    fn delete_secret(&mut self, namespace: Option<&str>, name: &str) {
        if (NamespaceSetting::ServiceAccount.form().matches)(name) {
            self.delete.push(ObsoleteSecret { namespace: namespace.map(str::to_owned), name: name.to_owned() });
        }
    }
}

impl<At> Default for SourceReport<At> {
    fn default() -> Self {
        Self {
            gateways: Vec::new(),
            notes: Vec::new(),
            apply: Vec::new(),
            delete: Vec::new(),
            key_secrets: Vec::new(),
            key_resources: Vec::new(),
        }
    }
}

impl<At> SourceReport<At> {
    /// Whether there is nothing to know.
    pub fn is_empty(&self) -> bool {
        self.gateways.is_empty() && self.notes.is_empty() && self.apply.is_empty() && self.delete.is_empty()
    }

    /// Whether the source stays as it is because a fact is not known.
    pub fn lacks_fact(&self) -> bool {
        self.notes.iter().any(|note| matches!(note.kind, NoteKind::Missing(_)))
    }

    /// The same with other places.
    pub fn with_places<New>(self, place: impl Fn(&At) -> New) -> SourceReport<New> {
        let notes = self.notes.into_iter().map(|Note { at, kind, message }| Note { at: place(&at), kind, message });
        let notes = notes.collect();
        let key_resources = self.key_resources.into_iter().map(|KeyResource { at, reference, name }| KeyResource {
            at: place(&at),
            reference,
            name,
        });
        SourceReport {
            gateways: self.gateways,
            notes,
            apply: self.apply,
            delete: self.delete,
            key_secrets: self.key_secrets,
            key_resources: key_resources.collect(),
        }
    }

    /// Adds a note.
    pub fn note(&mut self, at: At, kind: NoteKind, message: impl Into<String>) {
        self.notes.push(Note { at, kind, message: message.into() });
    }
}

/// The migration of an object or of the values of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueMigration {
    /// The new value; `None` if it stays as it is.
    pub value: Option<Value>,
    /// What to know.
    pub report: SourceReport<PointerBuf>,
}

/// The migration of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextMigration {
    /// The new text; `None` if it stays as it is.
    pub text: Option<String>,
    /// What to know, with lines from 1.
    pub report: SourceReport<usize>,
}

impl TextMigration {
    /// The names, ids and addresses that the new text has from these facts or from guesses.
    pub fn names(&self, facts: &Facts) -> Vec<String> {
        let of_gateways = self.report.gateways.iter().flat_map(|gateway| {
            let account = Some(&gateway.service_account);
            [account, gateway.namespace.as_ref(), gateway.client_id.as_ref(), gateway.gateway_name.as_ref()]
        });
        let Facts { client_id, tenant_id, gateway_name, endpoint, service_account, image_tag } = facts;
        let of_facts = [client_id, tenant_id, gateway_name, endpoint, service_account, image_tag].map(Option::as_ref);
        of_gateways.chain(of_facts).flatten().cloned().collect()
    }
}

/// Migrates the values of Microsoft's chart in the file of this name, also below the name of a sub-chart, and the
/// `Chart.yaml` that has it as a dependency. `None` for other mappings.
pub fn migrate_values(file: &str, values: &Value, context: SourceContext<'_>) -> Option<ValueMigration> {
    let chart = || chart_version::migrate_copy(values);
    chart_version::migrate_dependencies(file, values)
        .or_else(chart)
        .or_else(|| helm_file::migrate_file(file, values, context))
}

/// What turns one value into another, as a sentence for a person.
pub fn described_changes(old: &Value, new: &Value) -> String {
    argo_application::by_hand(&layers::ValueChanges::between(old, new))
}

/// Migrates a `HelmRelease` of Flux, or an `Application` or `ApplicationSet` of Argo CD, that installs Microsoft's chart, and
/// looks at the patches of these and of a `Kustomization` of Flux. `None` for other objects.
pub fn migrate_object(object: &Value, context: SourceContext<'_>) -> Option<ValueMigration> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    match (text("apiVersion").split('/').next().unwrap_or_default(), text("kind")) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => helm_release::migrate(object, context),
        ("argoproj.io", "Application" | "ApplicationSet") => argo_application::migrate(object, context),
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => flux_kustomization(object, context),
        _ => None,
    }
}

/// The report about a release in a manifest, or about a kustomization, with the names that each way to deploy it gives.
/// `report` is that of the source alone; `patched` returns the source with the patches of an overlay.
pub fn deployed_report(
    report: SourceReport<PointerBuf>,
    deployments: &BTreeSet<Overlay>,
    context: SourceContext<'_>,
    patched: &dyn Fn(&Overlay) -> Value,
) -> SourceReport<PointerBuf> {
    if deployments.is_empty() {
        return report;
    }
    let mut deployed = SourceReport { gateways: Vec::new(), delete: Vec::new(), apply: Vec::new(), ..report.clone() };
    for overlay in deployments {
        let own = match migrate_object(&overlay.applied_to(&patched(overlay)), context) {
            Some(migration) => migration.report,
            None => overlay.named_in(&report),
        };
        deployed.gateways.extend(own.gateways);
        // a patch that is to be changed can hide a Secret
        deployed.delete.extend(own.delete.into_iter().chain(overlay.named_in(&report).delete));
        deployed.apply.extend(own.apply);
    }
    deployed
}

/// A `Kustomization` of Flux has no values, but it patches what it applies. `None` if it patches nothing.
fn flux_kustomization(object: &Value, context: SourceContext<'_>) -> Option<ValueMigration> {
    let mut migration = ValueMigration::default();
    leftovers::report(object, context, &|_| None, &mut migration.report);
    leftovers::has_changes(object).then_some(migration)
}

/// Whether a kustomization adds labels or annotations.
pub fn changes_labels(kustomization: &Value) -> bool {
    ["commonAnnotations", "commonLabels", "labels", "transformers"].iter().any(|key| kustomization.get(*key).is_some())
}

/// Files with settings, not for Docker, that the generators of a kustomization read.
pub fn files_of_generators(kustomization: &Value) -> impl Iterator<Item = &str> {
    let lists = ["configMapGenerator", "secretGenerator"].into_iter();
    let generators = lists.filter_map(|list| kustomization.get(list)?.as_array()).flatten();
    generators.flat_map(generator::env_files)
}

#[cfg(test)]
mod tests {
    use super::SourceReport;

    /// The commands that delete what nothing needs any more.
    pub(super) fn deletions<At>(report: &SourceReport<At>) -> Vec<String> {
        report.delete.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn no_command_deletes_what_kubectl_reads_as_a_flag() {
        let mut report = SourceReport::<()>::default();
        for name in ["--all", "-A", "a b", "a;b", "orders-token"] {
            report.delete_secret(Some("n;x"), name);
        }
        assert_eq!(deletions(&report), ["kubectl delete -n 'n;x' secret orders-token"]);
    }
}
