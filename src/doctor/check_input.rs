//! The input of every check.

use super::Outcome;
use super::diagnostic::Target;
use super::webhook_entries::NAMESPACES;
use crate::cluster::{
    Deployment, DryRunResponse, Installation, InstallationNames, ReadError, ReadResult, WebhookConfiguration, selects,
};
use apim_keyless_core::gateway::well_known::StringMap;
use apim_keyless_core::policy::{DocumentError, Policy};
use apim_keyless_report::Diagnostic;
use jsonptr::PointerBuf;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhook;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::time::SystemTime;

/// An installation as it was read from the cluster.
pub struct CheckInput<'a> {
    /// The names under which the installation was looked up.
    pub names: &'a InstallationNames,
    /// What was read of the installation.
    pub installation: &'a Installation,
    /// The dry run that the webhook should have reviewed; `None` if no namespace was suitable.
    pub probe: Option<&'a Probe>,
    /// When it was read.
    pub now: SystemTime,
}

/// A dry run that the webhook should have reviewed.
pub struct Probe {
    /// The namespace of the gateway that the dry run creates.
    pub namespace: String,
    /// The response of the API server.
    pub response: ReadResult<DryRunResponse>,
}

/// A webhook entry: one element of `webhooks[]` in a configuration of this installation.
#[derive(Clone, Copy)]
pub(super) struct WebhookEntry<'a> {
    pub(super) configuration: &'a WebhookConfiguration,
    index: usize,
    pub(super) webhook: &'a MutatingWebhook,
}

impl<'a> WebhookEntry<'a> {
    /// A field of the entry; `[]` for the entry itself.
    pub(super) fn target(&self, field: &[&str]) -> Target {
        let mut at = PointerBuf::from_tokens(["webhooks"]);
        at.push_back(self.index);
        for token in field {
            at.push_back(*token);
        }
        Target::of(self.configuration.kind, &self.configuration.metadata, at)
    }

    /// Does `namespaceSelector` select a namespace with these labels?
    pub(super) fn selects_namespace(&self, labels: &StringMap) -> bool {
        selects(self.webhook.namespace_selector.as_ref(), labels)
    }

    fn all_of(configuration: &'a WebhookConfiguration) -> impl Iterator<Item = Self> {
        let entries = configuration.webhooks.iter().enumerate();
        entries.map(move |(index, webhook)| Self { configuration, index, webhook })
    }
}

impl<'a> CheckInput<'a> {
    /// The installation's `MutatingWebhookConfiguration`, if it could be read and exists.
    pub(super) fn mutating(&self) -> Option<&'a WebhookConfiguration> {
        by_name(&self.installation.mutating, self.names)
    }

    /// The installation's `ValidatingWebhookConfiguration`, if it could be read and exists.
    pub(super) fn validating(&self) -> Option<&'a WebhookConfiguration> {
        by_name(&self.installation.validating, self.names)
    }

    /// Both configurations, as far as they could be read and exist.
    pub(super) fn configurations(&self) -> impl Iterator<Item = &'a WebhookConfiguration> {
        self.mutating().into_iter().chain(self.validating())
    }

    /// The webhook entries of both configurations.
    pub(super) fn entries(&self) -> impl Iterator<Item = WebhookEntry<'a>> {
        self.configurations().flat_map(WebhookEntry::all_of)
    }

    /// The installation's Deployment, if it could be read and exists.
    pub(super) fn deployment(&self) -> Option<&'a Deployment> {
        self.installation.deployment.as_ref().ok()?.as_ref()
    }

    /// `metadata` of every Namespace; empty if they could not be read.
    pub(super) fn namespaces(&self) -> &'a [ObjectMeta] {
        self.installation.namespaces.as_deref().unwrap_or_default()
    }

    /// The policy document of the webhook, or what is wrong with it; `None` if there is none or if it could not be read.
    pub(super) fn policy(&self) -> Option<Result<Policy, DocumentError>> {
        self.installation.policy.as_ref().ok()?.as_deref().map(Policy::parse)
    }

    /// The webhook entries that get gateways. The entry for Namespaces gets none.
    pub(super) fn gateway_entries(&self) -> impl Iterator<Item = WebhookEntry<'a>> {
        self.entries().filter(|entry| entry.webhook.name != NAMESPACES)
    }

    /// Do the replicas manage their own CAs? That is the default of `--certificate-source`.
    pub(super) fn is_self_managed(&self) -> bool {
        let containers = self.deployment().into_iter().flat_map(|deployment| &deployment.spec.template.spec.containers);
        let mut arguments = containers.flat_map(|container| &container.args);
        !arguments.any(|it| it.starts_with("--certificate-source=") && !it.ends_with("=self-managed"))
    }

    /// Whether the webhook configurations of both kinds could be read.
    pub(super) fn has_all_configurations(&self) -> bool {
        self.installation.mutating.is_ok() && self.installation.validating.is_ok()
    }

    /// The outcome of a check of webhook entries, whose further input is complete if `is_known`.
    pub(super) fn of_entries(&self, findings: Vec<Diagnostic>, is_known: bool) -> Outcome {
        let is_known = is_known && self.has_all_configurations();
        match Outcome::of(findings, is_known) {
            Outcome::Found(findings) if findings.is_empty() && self.configurations().next().is_none() => {
                Outcome::NotApplicable
            }
            outcome => outcome,
        }
    }

    /// The outcome of a check of the replicas, whose input is complete if `is_known`.
    pub(super) fn of_replicas(&self, findings: Vec<Diagnostic>, is_known: bool) -> Outcome {
        match (Outcome::of(findings, is_known), &self.installation.deployment) {
            (Outcome::Found(findings), _) if !findings.is_empty() => Outcome::Found(findings),
            (_, Ok(None)) => Outcome::NotApplicable,
            (outcome, _) => outcome,
        }
    }

    /// The number of objects that were read.
    pub(super) fn count_objects(&self) -> usize {
        fn len<T>(list: &ReadResult<Vec<T>>) -> usize {
            list.as_ref().map_or(0, Vec::len)
        }
        let read = self.installation;
        len(&read.mutating)
            + len(&read.validating)
            + len(&read.services)
            + len(&read.pods)
            + len(&read.disruption_budgets)
            + len(&read.namespaces)
            + usize::from(self.deployment().is_some())
            + usize::from(matches!(&read.policy, Ok(Some(_))))
    }

    /// What could not be read. The CA Secret counts only if the replicas manage their own CAs.
    pub(super) fn read_errors(&self) -> Vec<ReadError> {
        let read = self.installation;
        let secret = read.cas.as_ref().err().filter(|_| self.is_self_managed());
        let errors = [
            read.server.as_ref().err(),
            read.issuer.as_ref().err(),
            read.deployment.as_ref().err(),
            read.pods.as_ref().err(),
            read.disruption_budgets.as_ref().err(),
            read.mutating.as_ref().err(),
            read.validating.as_ref().err(),
            read.services.as_ref().err(),
            secret,
            read.policy.as_ref().err(),
            read.namespaces.as_ref().err(),
        ];
        grouped(errors.into_iter().flatten().cloned().chain(self.probe_error()))
    }

    /// Why it is unknown whether the webhook is called. Having no evaluated namespace is a finding, not an error.
    fn probe_error(&self) -> Option<ReadError> {
        let attempt = "check whether the webhook is called".to_owned();
        match self.probe {
            Some(probe) => probe.read_error(self),
            None if self.configurations().next().is_none() || self.installation.namespaces.is_ok() => None,
            None => {
                let reason = "needs an enforced or audited namespace: --probe-namespace NAME".to_owned();
                Some(ReadError { attempt, reason })
            }
        }
    }
}

/// One error for each reason, with all that could not be read for it.
pub(crate) fn grouped(errors: impl Iterator<Item = ReadError>) -> Vec<ReadError> {
    let mut grouped: Vec<ReadError> = Vec::new();
    for error in errors {
        match grouped.iter_mut().find(|one| one.reason == error.reason) {
            Some(one) => one.attempt = format!("{}, {}", one.attempt, error.attempt),
            None => grouped.push(error),
        }
    }
    grouped
}

/// The configuration with the installation's name.
fn by_name<'a>(
    all: &'a ReadResult<Vec<WebhookConfiguration>>,
    names: &InstallationNames,
) -> Option<&'a WebhookConfiguration> {
    all.as_ref().ok()?.iter().find(|one| one.metadata.name.as_ref() == Some(&names.configurations))
}
