//! The webhook of azure-workload-identity, which gives Pods their tokens once they are mended.

use super::{Case, Fault, Finding, Place};
use crate::cluster::WebhookConfiguration;

/// The entry of azure-workload-identity's webhook; AKS's own has it as well.
const ENTRY: &str = "mutation.azure-workload-identity.io";

/// The name of its configuration, AKS's as well (Azure/AKS#5472).
const NAME: &str = "azure-wi-webhook-mutating-webhook-configuration";

/// It is there, and is called after ours: mutating webhooks are called in the order of their configurations' names.
pub(super) fn is_before_workload_identity(case: &Case<'_>) -> Vec<Finding> {
    let Ok(all) = &case.installation.mutating else { return Vec::new() };
    let mut theirs = all.iter().filter(|one| is_theirs(one)).peekable();
    if theirs.peek().is_none() {
        let place = Place::in_cluster("MutatingWebhookConfiguration", NAME);
        let problem = format!(
            "no mutating webhook configuration has the entry {ENTRY}: Pods get no token of their ServiceAccount"
        );
        return vec![Finding::new(Fault::WorkloadIdentityMissing, case.site, place, problem)];
    }
    let Some(ours) = case.mutating() else { return Vec::new() };
    let before = theirs.filter(|one| one.metadata.name < ours.metadata.name);
    before
        .map(|one| {
            let theirs = one.metadata.name.as_deref().unwrap_or_default();
            let problem = format!(
                "its name sorts after {theirs}, so Pods get there before they have the label that it looks for"
            );
            let place = Place::in_cluster(ours.kind, &case.site.configurations);
            Finding::new(Fault::WebhookOrder, case.site, place, problem)
        })
        .collect()
}

fn is_theirs(configuration: &WebhookConfiguration) -> bool {
    configuration.webhooks.iter().any(|webhook| webhook.name == ENTRY)
}
