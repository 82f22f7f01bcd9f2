//! Checks of the Namespaces: their `apim-keyless.dev/` labels and annotations, and whether any is enforced or audited.

use super::diagnostic::{Target, diagnostic};
use super::{CheckInput, Code};
use apim_keyless_core::gateway::well_known::{MODE, StringMap};
use apim_keyless_core::policy::{Mode, NamespaceKeyProblem, NamespaceKeyProblemKind, namespace_problems};
use apim_keyless_report::Diagnostic;
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::LazyLock;

static NO_KEYS: LazyLock<StringMap> = LazyLock::new(StringMap::new);

/// Is every `apim-keyless.dev/` label and annotation known, well-formed and effective?
pub(super) fn check_keys(input: &CheckInput<'_>) -> Vec<Diagnostic> {
    input.namespaces().iter().flat_map(|namespace| key_problems(input, namespace)).chain(excluded(input)).collect()
}

fn key_problems(input: &CheckInput<'_>, namespace: &ObjectMeta) -> Vec<Diagnostic> {
    let problems = namespace_problems(labels(namespace), namespace.annotations.as_ref().unwrap_or(&NO_KEYS));
    let diagnostic = |problem: NamespaceKeyProblem| {
        let code = match problem.kind {
            NamespaceKeyProblemKind::Mode => Code::NamespaceModeMisspelled,
            NamespaceKeyProblemKind::Unknown => Code::NamespaceKeyUnknown,
            NamespaceKeyProblemKind::Value => Code::NamespaceValueMalformed,
        };
        diagnostic(code, input.names, Target::of("Namespace", namespace, problem.at), problem.message)
    };
    problems.into_iter().map(diagnostic).collect()
}

/// Namespaces with a mode that no webhook entry selects: those of Kubernetes, the webhook's own, and those that the
/// chart's values exclude.
fn excluded<'a>(input: &'a CheckInput<'_>) -> impl Iterator<Item = Diagnostic> + 'a {
    let has_entries = input.entries().next().is_some() && input.validating().is_some();
    let with_mode = input.namespaces().iter().filter(move |namespace| {
        let mode = labels(namespace).get(MODE).map(String::as_str);
        let has_evaluated_mode = [Mode::Enforce, Mode::Audit].iter().any(|one| mode == Some(one.name()));
        has_entries && has_evaluated_mode && !is_evaluated(input, namespace)
    });
    with_mode.map(|namespace| {
        let target = Target::of("Namespace", namespace, PointerBuf::from_tokens(["metadata", "labels", MODE]));
        let message = "the namespace has a mode, but no webhook entry selects it";
        diagnostic(Code::NamespaceExcluded, input.names, target, message)
    })
}

/// Is at least one namespace enforced or audited?
pub(super) fn check_any_evaluated(input: &CheckInput<'_>) -> Vec<Diagnostic> {
    if input.validating().is_none()
        || input.installation.namespaces.is_err()
        || input.namespaces().iter().any(|namespace| is_evaluated(input, namespace))
    {
        return Vec::new();
    }
    let target = Target::in_cluster("ValidatingWebhookConfiguration", &input.names.configurations);
    let message = "no namespace is enforced or audited: the webhook evaluates nothing, and doctor cannot test it";
    vec![diagnostic(Code::NoNamespaceEvaluated, input.names, target, message)]
}

/// Does a webhook entry select this Namespace?
fn is_evaluated(input: &CheckInput<'_>, namespace: &ObjectMeta) -> bool {
    input.entries().any(|entry| entry.selects_namespace(labels(namespace)))
}

/// `metadata.labels`; empty if they are not set.
pub(super) fn labels(metadata: &ObjectMeta) -> &StringMap {
    metadata.labels.as_ref().unwrap_or(&NO_KEYS)
}
