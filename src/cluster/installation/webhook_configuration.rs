//! One type for mutating and validating webhook configurations.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// A mutating or validating webhook configuration.
#[derive(Clone, Debug)]
pub struct WebhookConfiguration {
    /// Its kind.
    pub kind: &'static str,
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// Its webhook entries. Those of a validating configuration have no `reinvocationPolicy`.
    pub webhooks: Vec<MutatingWebhook>,
}

impl From<MutatingWebhookConfiguration> for WebhookConfiguration {
    fn from(configuration: MutatingWebhookConfiguration) -> Self {
        let kind = "MutatingWebhookConfiguration";
        Self { kind, metadata: configuration.metadata, webhooks: configuration.webhooks.unwrap_or_default() }
    }
}

impl From<ValidatingWebhookConfiguration> for WebhookConfiguration {
    fn from(configuration: ValidatingWebhookConfiguration) -> Self {
        let webhooks = configuration.webhooks.unwrap_or_default().into_iter().map(as_mutating).collect();
        Self { kind: "ValidatingWebhookConfiguration", metadata: configuration.metadata, webhooks }
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
