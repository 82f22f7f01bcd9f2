//! Webhooks of others that ours depends on: azure-workload-identity's, which must run after ours, and AKS's admissions
//! enforcer, which rewrites the namespace selectors of webhooks unless they carry an opt-out
//! (learn.microsoft.com, AKS FAQ, "admission controller webhooks").

use super::{CheckInput, Code, DoctorFinding, Location};
use crate::cluster::WebhookConfiguration;
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// The entry of azure-workload-identity's webhook; AKS's own has it as well.
const ENTRY: &str = "mutation.azure-workload-identity.io";

/// The name of its configuration, AKS's as well (Azure/AKS#5472).
const NAME: &str = "azure-wi-webhook-mutating-webhook-configuration";

/// It is there, and is called after ours: mutating webhooks are called in the order of their configurations' names.
pub(super) fn is_before_workload_identity(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let Ok(all) = &input.installation.mutating else { return Vec::new() };
    let mut theirs = all.iter().filter(|one| is_theirs(one)).peekable();
    if theirs.peek().is_none() {
        let location = Location::in_cluster("MutatingWebhookConfiguration", NAME);
        let message = format!(
            "no mutating webhook configuration has the entry {ENTRY}: Pods get no token of their ServiceAccount"
        );
        return vec![DoctorFinding::new(Code::WorkloadIdentityMissing, input.names, location, message)];
    }
    let Some(ours) = input.mutating() else { return Vec::new() };
    let before = theirs.filter(|one| one.metadata.name < ours.metadata.name);
    before
        .map(|one| {
            let theirs = one.metadata.name.as_deref().unwrap_or_default();
            let message = format!(
                "its name sorts after {theirs}, so Pods get there before they have the label that it looks for"
            );
            let location = Location::in_cluster(ours.kind, &input.names.configurations);
            DoctorFinding::new(Code::WebhookOrder, input.names, location, message)
        })
        .collect()
}

fn is_theirs(configuration: &WebhookConfiguration) -> bool {
    configuration.webhooks.iter().any(|webhook| webhook.name == ENTRY)
}

/// Label or annotation that keeps the enforcer away.
const DISABLED: &str = "admissions.enforcer/disabled";

/// Labels of namespaces that the enforcer writes terms on.
const ITS_LABELS: [&str; 2] = ["control-plane", "kubernetes.azure.com/managedby"];

/// The enforcer is told to stay away, and has not been there.
pub(super) fn are_left_alone(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let told = input.configurations().filter(|configuration| {
        let metadata = &configuration.metadata;
        let keys = [&metadata.labels, &metadata.annotations];
        !keys.into_iter().flatten().any(|keys| keys.get(DISABLED).is_some_and(|value| value == "true"))
    });
    let untold = told.map(|configuration| {
        let location = Location::of(configuration.kind, &configuration.metadata, PointerBuf::from_tokens(["metadata"]));
        let message =
            format!("neither label nor annotation {DISABLED} is \"true\": on AKS its selectors are rewritten");
        DoctorFinding::new(Code::AdmissionsEnforcer, input.names, location, message)
    });
    let rewritten = input.entries().filter_map(|entry| {
        let label = rewritten_by(entry.webhook.namespace_selector.as_ref()?)?;
        let message = format!("{}: a namespace leaves by its label {label}", entry.webhook.name);
        let location = entry.location(&["namespaceSelector"]);
        Some(DoctorFinding::new(Code::NamespaceSelectorRewritten, input.names, location, message))
    });
    untold.chain(rewritten).collect()
}

/// A label of the enforcer's that a selector has a term on.
fn rewritten_by(selector: &LabelSelector) -> Option<&'static str> {
    ITS_LABELS.into_iter().find(|label| {
        let expressions = selector.match_expressions.iter().flatten().any(|term| term.key == **label);
        expressions || selector.match_labels.iter().flatten().any(|(key, _)| key == label)
    })
}
