//! A webhook configuration of either kind, as one sort of thing.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// A webhook configuration of either kind.
#[derive(Clone, Debug)]
pub struct WebhookConfiguration {
    /// Its kind.
    pub kind: &'static str,
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Its entries; one of a validating configuration has no reinvocation policy.
    pub webhooks: Vec<MutatingWebhook>,
}

impl From<MutatingWebhookConfiguration> for WebhookConfiguration {
    fn from(read: MutatingWebhookConfiguration) -> Self {
        let kind = "MutatingWebhookConfiguration";
        Self { kind, metadata: read.metadata, webhooks: read.webhooks.unwrap_or_default() }
    }
}

impl From<ValidatingWebhookConfiguration> for WebhookConfiguration {
    fn from(read: ValidatingWebhookConfiguration) -> Self {
        let webhooks = read.webhooks.unwrap_or_default().into_iter().map(as_mutating).collect();
        Self { kind: "ValidatingWebhookConfiguration", metadata: read.metadata, webhooks }
    }
}

fn as_mutating(webhook: ValidatingWebhook) -> MutatingWebhook {
    MutatingWebhook {
        admission_review_versions: webhook.admission_review_versions,
        client_config: webhook.client_config,
        failure_policy: webhook.failure_policy,
        match_conditions: webhook.match_conditions,
        match_policy: webhook.match_policy,
        name: webhook.name,
        namespace_selector: webhook.namespace_selector,
        object_selector: webhook.object_selector,
        reinvocation_policy: None,
        rules: webhook.rules,
        side_effects: webhook.side_effects,
        timeout_seconds: webhook.timeout_seconds,
    }
}
