//! Everything that an examination may look at.

use super::Location;
use crate::cluster::{
    Deployment, DryRunResponse, Installation, InstallationNames, ReadError, Reading, WebhookConfiguration, selects,
};
use crate::gateway::well_known::Keys;
use jsonptr::PointerBuf;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhook;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::time::SystemTime;

/// An installation, where it was looked for, what was read of it and when.
pub struct CheckInput<'a> {
    /// Where it was looked for.
    pub names: &'a InstallationNames,
    /// What was read of it.
    pub installation: &'a Installation,
    /// What came of a write that the webhook should have seen, if there was a namespace for one.
    pub probe: Option<&'a Probe>,
    /// When it was read.
    pub now: SystemTime,
}

/// A write that the webhook should have seen.
pub struct Probe {
    /// Where.
    pub namespace: String,
    /// What the API server said.
    pub response: Reading<DryRunResponse>,
}

/// An entry of one of our webhook configurations.
#[derive(Clone, Copy)]
pub(super) struct WebhookEntry<'a> {
    pub(super) configuration: &'a WebhookConfiguration,
    index: usize,
    pub(super) webhook: &'a MutatingWebhook,
}

impl<'a> WebhookEntry<'a> {
    /// A place in it; `[]` for itself.
    pub(super) fn location(&self, field: &[&str]) -> Location {
        let mut at = PointerBuf::from_tokens(["webhooks"]);
        at.push_back(self.index);
        for token in field {
            at.push_back(*token);
        }
        Location::of(self.configuration.kind, &self.configuration.metadata, at)
    }

    /// Is a namespace with these labels sent to it?
    pub(super) fn takes(&self, labels: &Keys) -> bool {
        selects(self.webhook.namespace_selector.as_ref(), labels)
    }

    fn all_of(configuration: &'a WebhookConfiguration) -> impl Iterator<Item = Self> {
        let entries = configuration.webhooks.iter().enumerate();
        entries.map(move |(index, webhook)| Self { configuration, index, webhook })
    }
}

impl<'a> CheckInput<'a> {
    /// Our mutating webhook configuration, if it was read and is there.
    pub(super) fn mutating(&self) -> Option<&'a WebhookConfiguration> {
        ours(&self.installation.mutating, self.names)
    }

    /// Our validating one.
    pub(super) fn validating(&self) -> Option<&'a WebhookConfiguration> {
        ours(&self.installation.validating, self.names)
    }

    /// Both, as far as they were read and are there.
    pub(super) fn configurations(&self) -> impl Iterator<Item = &'a WebhookConfiguration> {
        self.mutating().into_iter().chain(self.validating())
    }

    /// The entries of both.
    pub(super) fn entries(&self) -> impl Iterator<Item = WebhookEntry<'a>> {
        self.configurations().flat_map(WebhookEntry::all_of)
    }

    /// Our Deployment, if it was read and is there.
    pub(super) fn deployment(&self) -> Option<&'a Deployment> {
        self.installation.deployment.as_ref().ok()?.as_ref()
    }

    /// The metadata of every Namespace, or of none if they could not be read.
    pub(super) fn namespaces(&self) -> &'a [ObjectMeta] {
        self.installation.namespaces.as_deref().unwrap_or_default()
    }

    /// Do the replicas look after their own CAs? They do unless they are told to do something else.
    pub(super) fn is_self_managed(&self) -> bool {
        let containers = self.deployment().into_iter().flat_map(|deployment| &deployment.spec.template.spec.containers);
        let mut words = containers.flat_map(|container| &container.args);
        !words.any(|word| word.starts_with("--certificate-source=") && !word.ends_with("=self-managed"))
    }

    /// What could not be read. Of CAs that others keep there is nothing to be known.
    pub(super) fn read_errors(&self) -> Vec<ReadError> {
        let read = self.installation;
        let secret = read.cas.as_ref().err().filter(|_| self.is_self_managed());
        let containers = [
            read.server.as_ref().err(),
            read.issuer.as_ref().err(),
            read.deployment.as_ref().err(),
            read.pods.as_ref().err(),
            read.disruption_budgets.as_ref().err(),
            read.mutating.as_ref().err(),
            read.validating.as_ref().err(),
            read.services.as_ref().err(),
            secret,
            read.namespaces.as_ref().err(),
        ];
        containers.into_iter().flatten().cloned().chain(self.unprobed()).collect()
    }

    /// Why it is not known whether the webhook is called. That no namespace is judged is a finding of its own.
    fn unprobed(&self) -> Option<ReadError> {
        let what = "whether the webhook is called".to_owned();
        match self.probe {
            Some(probe) => probe.read_errors(self),
            None if self.configurations().next().is_none() || self.installation.namespaces.is_ok() => None,
            None => {
                Some(ReadError { what, reason: "needs a namespace that is judged: --probe-namespace NAME".to_owned() })
            }
        }
    }
}

fn ours<'a>(
    all: &'a Reading<Vec<WebhookConfiguration>>,
    names: &InstallationNames,
) -> Option<&'a WebhookConfiguration> {
    all.as_ref().ok()?.iter().find(|one| one.metadata.name.as_ref() == Some(&names.configurations))
}
