//! Checks of two components that act on the same webhook configurations or Pods:
//! - AKS's admissions enforcer rewrites the namespace selectors of webhook configurations that do not opt out
//!   (learn.microsoft.com, AKS FAQ, "admission controller webhooks").
//! - azure-workload-identity's mutating webhook must be called after the webhook of apim-keyless, because
//!   it selects Pods by a label that apim-keyless sets.

use super::diagnostic::{Target, diagnostic};
use super::{CheckInput, DoctorCode, Outcome};
use crate::cluster::{InstallationNames, WebhookConfiguration};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// Label or annotation of a webhook configuration that opts out of the admissions enforcer.
const ENFORCER_OPT_OUT: &str = "admissions.enforcer/disabled";

/// Labels of namespaces for which the admissions enforcer adds terms to namespace selectors.
const ENFORCER_LABELS: [&str; 2] = ["control-plane", "kubernetes.azure.com/managedby"];

/// Webhook entry of azure-workload-identity; AKS's managed add-on has the same.
const IDENTITY_ENTRY: &str = "mutation.azure-workload-identity.io";

/// Webhook configuration of azure-workload-identity; AKS's managed add-on has the same (Azure/AKS#5472).
const IDENTITY_CONFIGURATION: &str = "azure-wi-webhook-mutating-webhook-configuration";

/// Do the configurations opt out of the admissions enforcer, and has it left the namespace selectors alone?
pub(super) fn check_admissions_enforcer(input: &CheckInput<'_>) -> Outcome {
    let not_opted_out = input.configurations().filter(|configuration| !opts_out(configuration)).map(|configuration| {
        let target = Target::of(configuration.kind, &configuration.metadata, PointerBuf::from_tokens(["metadata"]));
        let message = format!(
            "neither label nor annotation {ENFORCER_OPT_OUT} is \"true\": AKS rewrites its namespace selectors"
        );
        diagnostic(DoctorCode::AdmissionsEnforcer, input.names, target, message)
    });
    let rewritten = input.entries().filter_map(|entry| {
        let label = enforcer_label(entry.webhook.namespace_selector.as_ref()?)?;
        let message = format!("{}: label {label} excludes a namespace", entry.webhook.name);
        let target = entry.target(&["namespaceSelector"]);
        Some(diagnostic(DoctorCode::NamespaceSelectorRewritten, input.names, target, message))
    });
    input.of_entries(not_opted_out.chain(rewritten).collect(), true)
}

fn opts_out(configuration: &WebhookConfiguration) -> bool {
    let keys = [&configuration.metadata.labels, &configuration.metadata.annotations];
    keys.into_iter().flatten().any(|keys| keys.get(ENFORCER_OPT_OUT).is_some_and(|value| value == "true"))
}

/// The first of [`ENFORCER_LABELS`] that a selector has a term on.
fn enforcer_label(selector: &LabelSelector) -> Option<&'static str> {
    ENFORCER_LABELS.into_iter().find(|label| {
        let has_expression = selector.match_expressions.iter().flatten().any(|term| term.key == **label);
        has_expression || selector.match_labels.iter().flatten().any(|(key, _)| key == label)
    })
}

/// Is azure-workload-identity installed, and is its webhook called after the one of apim-keyless?
pub(super) fn check_workload_identity(input: &CheckInput<'_>) -> Outcome {
    let Ok(all) = &input.installation.mutating else { return Outcome::Unknown };
    workload_identity(all, input.names)
}

/// The same for all mutating webhooks of a cluster.
///
/// The API server calls mutating webhooks in the order of the names of their configurations.
pub(crate) fn workload_identity(mutating: &[WebhookConfiguration], names: &InstallationNames) -> Outcome {
    let mut identity = mutating.iter().filter(|one| is_workload_identity(one)).peekable();
    if identity.peek().is_none() {
        let target = Target::in_cluster("MutatingWebhookConfiguration", IDENTITY_CONFIGURATION);
        let message = format!(
            "no MutatingWebhookConfiguration has the entry {IDENTITY_ENTRY}: Pods get no token of their ServiceAccount"
        );
        return Outcome::found(diagnostic(DoctorCode::WorkloadIdentityMissing, names, target, message));
    }
    let own = mutating.iter().find(|one| one.metadata.name.as_ref() == Some(&names.configurations));
    let Some(own) = own else { return Outcome::PASSED };
    let called_first = identity.filter(|one| one.metadata.name < own.metadata.name);
    let findings = called_first.map(|one| {
        let name = one.metadata.name.as_deref().unwrap_or_default();
        let message = format!(
            "its name sorts after {name}: that webhook gets Pods before they have the label that it selects by"
        );
        diagnostic(DoctorCode::WebhookOrder, names, Target::in_cluster(own.kind, &names.configurations), message)
    });
    Outcome::of(findings.collect(), true)
}

/// Whether it is the configuration of azure-workload-identity's webhook.
pub(crate) fn is_workload_identity(configuration: &WebhookConfiguration) -> bool {
    configuration.webhooks.iter().any(|webhook| webhook.name == IDENTITY_ENTRY)
}
