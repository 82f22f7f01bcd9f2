//! The admissions enforcer of AKS, which rewrites namespace selectors of webhooks unless it is told not to
//! (learn.microsoft.com, AKS FAQ, "admission controller webhooks").

use super::{Case, Fault, Finding, Place};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// Label or annotation that keeps the enforcer away.
const DISABLED: &str = "admissions.enforcer/disabled";

/// Labels of namespaces that the enforcer writes terms on.
const ITS_LABELS: [&str; 2] = ["control-plane", "kubernetes.azure.com/managedby"];

/// The enforcer is told to stay away, and has not been there.
pub(super) fn are_left_alone(case: &Case<'_>) -> Vec<Finding> {
    let told = case.configurations().filter(|configuration| {
        let metadata = &configuration.metadata;
        let keys = [&metadata.labels, &metadata.annotations];
        !keys.into_iter().flatten().any(|keys| keys.get(DISABLED).is_some_and(|value| value == "true"))
    });
    let untold = told.map(|configuration| {
        let place = Place::of(configuration.kind, &configuration.metadata, PointerBuf::from_tokens(["metadata"]));
        let problem =
            format!("neither label nor annotation {DISABLED} is \"true\": on AKS its selectors are rewritten");
        Finding::new(Fault::AdmissionsEnforcer, case.site, place, problem)
    });
    let rewritten = case.entries().filter_map(|entry| {
        let label = rewritten_by(entry.webhook.namespace_selector.as_ref()?)?;
        let problem = format!("{}: a namespace leaves by its label {label}", entry.webhook.name);
        let place = entry.place(&["namespaceSelector"]);
        Some(Finding::new(Fault::NamespaceSelectorRewritten, case.site, place, problem))
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
