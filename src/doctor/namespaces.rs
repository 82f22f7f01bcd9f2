//! Namespaces: what their labels and annotations of ours say, and whether any is judged.

use super::{CheckInput, Code, DoctorFinding, Location};
use crate::gateway::well_known::{Keys, MODE};
use crate::policy::{Mode, NamespaceKeyProblem, namespace_problems};
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::LazyLock;

static NONE: LazyLock<Keys> = LazyLock::new(Keys::new);

/// Every label and annotation of ours is one that is read, and counts.
pub(super) fn are_understood(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    input.namespaces().iter().flat_map(|namespace| not_understood(input, namespace)).chain(left_out(input)).collect()
}

fn not_understood(input: &CheckInput<'_>, namespace: &ObjectMeta) -> Vec<DoctorFinding> {
    let codes = namespace_problems(labels(namespace), namespace.annotations.as_ref().unwrap_or(&NONE));
    let finding = |one: crate::policy::NamespaceProblem| {
        let code = match one.code {
            NamespaceKeyProblem::Mode => Code::NamespaceModeMisspelled,
            NamespaceKeyProblem::Unknown => Code::NamespaceKeyUnknown,
            NamespaceKeyProblem::Value => Code::NamespaceValueMalformed,
        };
        DoctorFinding::new(code, input.names, Location::of("Namespace", namespace, one.at), one.message)
    };
    codes.into_iter().map(finding).collect()
}

/// Namespaces with a mode that no entry takes: Kubernetes' own, ours, and those that the chart's values exclude.
fn left_out<'a>(input: &'a CheckInput<'_>) -> impl Iterator<Item = DoctorFinding> + 'a {
    let has_entries = input.entries().next().is_some() && input.validating().is_some();
    let with_mode = input.namespaces().iter().filter(move |namespace| {
        let mode = labels(namespace).get(MODE).map(String::as_str);
        let is_one = [Mode::Enforce, Mode::Audit].iter().any(|one| mode == Some(one.name()));
        has_entries && is_one && !is_judged(input, namespace)
    });
    with_mode.map(|namespace| {
        let location = Location::of("Namespace", namespace, PointerBuf::from_tokens(["metadata", "labels", MODE]));
        let message = "it has a mode, but no webhook entry takes it";
        DoctorFinding::new(Code::NamespaceExcluded, input.names, location, message)
    })
}

/// At least one is judged.
pub(super) fn are_judged(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    if input.validating().is_none()
        || input.installation.namespaces.is_err()
        || input.namespaces().iter().any(|one| is_judged(input, one))
    {
        return Vec::new();
    }
    let location = Location::in_cluster("ValidatingWebhookConfiguration", &input.names.configurations);
    let message = "no namespace is judged, so nothing is mended or refused; whether the webhook can be called was not tried either";
    vec![DoctorFinding::new(Code::NoNamespaceEvaluated, input.names, location, message)]
}

/// Is a Namespace sent to one of our entries?
fn is_judged(input: &CheckInput<'_>, namespace: &ObjectMeta) -> bool {
    input.entries().any(|entry| entry.takes(labels(namespace)))
}

/// The labels of an object.
pub(super) fn labels(metadata: &ObjectMeta) -> &Keys {
    metadata.labels.as_ref().unwrap_or(&NONE)
}
