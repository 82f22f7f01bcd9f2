//! Checks of the Namespaces: their `apim-keyless.dev/` labels and annotations, and whether any is enforced or audited.

use super::diagnostic::{Target, diagnostic};
use super::{CheckInput, DoctorCode, Outcome};
use apim_keyless_core::gateway::well_known::{MODE, StringMap};
use apim_keyless_core::policy::{Mode, NamespaceAnnotations, namespace_problems};
use apim_keyless_report::Diagnostic;
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::sync::LazyLock;

static NO_KEYS: LazyLock<StringMap> = LazyLock::new(StringMap::new);

/// Is every `apim-keyless.dev/` label and annotation known, well-formed and effective?
pub(super) fn check_keys(input: &CheckInput<'_>) -> Outcome {
    let policy = input.policy().and_then(Result::ok);
    let annotations = policy.map_or_else(NamespaceAnnotations::default, |policy| policy.namespace_annotations);
    let problems = input.namespaces().iter().flat_map(|namespace| key_problems(input, namespace, annotations));
    Outcome::of(problems.chain(excluded(input)).collect(), input.installation.namespaces.is_ok())
}

fn key_problems(
    input: &CheckInput<'_>,
    namespace: &ObjectMeta,
    namespace_annotations: NamespaceAnnotations,
) -> Vec<Diagnostic> {
    let annotations = namespace.annotations.as_ref().unwrap_or(&NO_KEYS);
    let problems = namespace_problems(labels(namespace), annotations, namespace_annotations).into_iter();
    problems
        .map(|problem| {
            let target = Target::of("Namespace", namespace, problem.at);
            diagnostic(DoctorCode::MalformedNamespaceSetting, input.names, target, problem.message)
        })
        .collect()
}

/// Namespaces with a mode that no webhook entry selects: those of Kubernetes, the webhook's own, and those that the
/// chart's values exclude.
fn excluded<'a>(input: &'a CheckInput<'_>) -> impl Iterator<Item = Diagnostic> + 'a {
    let has_entries = input.gateway_entries().next().is_some() && input.validating().is_some();
    let with_mode = input.namespaces().iter().filter(move |namespace| {
        let mode = labels(namespace).get(MODE).map(String::as_str);
        let has_evaluated_mode = [Mode::Enforce, Mode::Audit].iter().any(|one| mode == Some(one.name()));
        has_entries && has_evaluated_mode && !is_evaluated(input, namespace)
    });
    with_mode.map(|namespace| {
        let target = Target::of("Namespace", namespace, PointerBuf::from_tokens(["metadata", "labels", MODE]));
        let message = "the namespace has a mode, but no webhook entry selects it";
        diagnostic(DoctorCode::NamespaceExcluded, input.names, target, message)
    })
}

/// Is at least one namespace enforced or audited?
pub(super) fn check_any_evaluated(input: &CheckInput<'_>) -> Outcome {
    if input.installation.validating.is_err() || input.installation.namespaces.is_err() {
        return Outcome::Unknown;
    }
    if input.validating().is_none() {
        return Outcome::NotApplicable;
    }
    if input.namespaces().iter().any(|namespace| is_evaluated(input, namespace)) {
        return Outcome::PASSED;
    }
    let target = Target::in_cluster("ValidatingWebhookConfiguration", &input.names.configurations);
    let message = "no namespace is enforced or audited: the webhook evaluates nothing, and doctor cannot test it";
    Outcome::found(diagnostic(DoctorCode::NoNamespaceEvaluated, input.names, target, message))
}

/// Does a webhook entry select this Namespace?
fn is_evaluated(input: &CheckInput<'_>, namespace: &ObjectMeta) -> bool {
    input.gateway_entries().any(|entry| entry.selects_namespace(labels(namespace)))
}

/// `metadata.labels`; empty if they are not set.
pub(super) fn labels(metadata: &ObjectMeta) -> &StringMap {
    metadata.labels.as_ref().unwrap_or(&NO_KEYS)
}
