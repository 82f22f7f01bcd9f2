//! Namespaces: what their labels and annotations of ours say, and whether any is judged.

use super::{Case, Fault, Finding, Place};
use crate::gateway::well_known::{Keys, MODE};
use crate::policy::{KeyFault, Mode, faults_of_namespace};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::LazyLock;

static NONE: LazyLock<Keys> = LazyLock::new(Keys::new);

/// Every label and annotation of ours is one that is read, and counts.
pub(super) fn are_understood(case: &Case<'_>) -> Vec<Finding> {
    case.namespaces().iter().flat_map(|namespace| not_understood(case, namespace)).chain(left_out(case)).collect()
}

fn not_understood(case: &Case<'_>, namespace: &ObjectMeta) -> Vec<Finding> {
    let faults = faults_of_namespace(labels(namespace), namespace.annotations.as_ref().unwrap_or(&NONE));
    let finding = |one: crate::policy::NamespaceFault| {
        let fault = match one.fault {
            KeyFault::Mode => Fault::NamespaceModeMisspelt,
            KeyFault::Unknown => Fault::NamespaceKeyUnknown,
            KeyFault::Value => Fault::NamespaceValueMalformed,
        };
        Finding::new(fault, case.site, Place::of("Namespace", namespace, one.at), one.problem)
    };
    faults.into_iter().map(finding).collect()
}

/// Namespaces with a mode that no entry takes: Kubernetes' own, ours, and those that the chart's values exclude.
fn left_out<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Finding> + 'a {
    let has_entries = case.entries().next().is_some() && case.validating().is_some();
    let with_mode = case.namespaces().iter().filter(move |namespace| {
        let mode = labels(namespace).get(MODE).map(String::as_str);
        let is_one = [Mode::Enforce, Mode::Audit].iter().any(|one| mode == Some(one.name()));
        has_entries && is_one && !is_judged(case, namespace)
    });
    with_mode.map(|namespace| {
        let place = Place::of("Namespace", namespace, PointerBuf::from_tokens(["metadata", "labels", MODE]));
        let problem = "it has a mode, but no webhook entry takes it";
        Finding::new(Fault::NamespaceExcluded, case.site, place, problem)
    })
}

/// At least one is judged.
pub(super) fn are_judged(case: &Case<'_>) -> Vec<Finding> {
    if case.validating().is_none()
        || case.installation.namespaces.is_err()
        || case.namespaces().iter().any(|one| is_judged(case, one))
    {
        return Vec::new();
    }
    let place = Place::in_cluster("ValidatingWebhookConfiguration", &case.site.configurations);
    let problem = "no namespace is judged, so nothing is mended or refused; whether the webhook can be called was not tried either";
    vec![Finding::new(Fault::NoNamespaceJudged, case.site, place, problem)]
}

/// Is a Namespace sent to one of our entries?
fn is_judged(case: &Case<'_>, namespace: &ObjectMeta) -> bool {
    case.entries().any(|entry| entry.takes(labels(namespace)))
}

/// The labels of an object.
pub(super) fn labels(metadata: &ObjectMeta) -> &Keys {
    metadata.labels.as_ref().unwrap_or(&NONE)
}
