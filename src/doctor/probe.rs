//! Creates a gateway as a dry run and checks that the webhook reviews it.

use super::check_input::WebhookEntry;
use super::diagnostic::diagnostic;
use super::namespaces::labels;
use super::webhook_entries::MUTATE;
use super::{CheckInput, DoctorCode, Outcome, Probe};
use crate::cluster::{DryRunResponse, ReadError};
use apim_keyless_core::policy::printable;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

/// A gateway Deployment without identity and configuration: whatever the policy, the webhook mutates it, denies it or
/// warns about it.
pub fn probe_deployment() -> Value {
    let (image, label) =
        ("mcr.microsoft.com/azure-api-management/gateway:2.11.1", json!({"app": "apim-keyless-doctor"}));
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"generateName": "apim-keyless-doctor-"},
        "spec": {
            "selector": {"matchLabels": label},
            "template": {"metadata": {"labels": label}, "spec": {"containers": [{"name": "gateway", "image": image}]}},
        },
    })
}

/// The namespace for the dry run: `requested`, else the first that the mutating webhook selects, else the first that
/// any webhook entry selects. `None` if there is no webhook configuration or no such namespace.
pub fn namespace_to_probe(input: &CheckInput<'_>, requested: Option<&str>) -> Option<String> {
    if let Some(requested) = requested {
        return input.configurations().next().map(|_| requested.to_owned());
    }
    let first = |is_eligible: &dyn Fn(&WebhookEntry<'_>) -> bool| {
        let mut not_terminating = input.namespaces().iter().filter(|namespace| namespace.deletion_timestamp.is_none());
        let is_selected = |namespace: &ObjectMeta| {
            input.gateway_entries().any(|entry| is_eligible(&entry) && entry.selects_namespace(labels(namespace)))
        };
        not_terminating.find(|namespace| is_selected(namespace)).and_then(|namespace| namespace.name.clone())
    };
    first(&|entry| entry.webhook.name == MUTATE).or_else(|| first(&|_| true))
}

/// Was the gateway of the dry run mutated, denied or warned about?
pub(super) fn check_probe(input: &CheckInput<'_>) -> Outcome {
    let Some(probe) = input.probe else {
        let is_known = input.has_all_configurations() && input.installation.namespaces.is_ok();
        return if is_known { Outcome::NotApplicable } else { Outcome::Unknown };
    };
    let Ok(response) = &probe.response else { return Outcome::Unknown };
    let diagnostic = |code, target, message| Outcome::found(diagnostic(code, input.names, target, message));
    match evaluate(input, probe, response) {
        ProbeResult::Reviewed => Outcome::PASSED,
        ProbeResult::Unknown => Outcome::Unknown,
        ProbeResult::CallFailed(entry) => {
            let message = format!("in namespace {}: {}", probe.namespace, message(response));
            diagnostic(DoctorCode::WebhookUnreachable, entry.target(&[]), message)
        }
        ProbeResult::NotReviewed(entry) => {
            let message = format!(
                "{}: a test gateway in namespace {} was neither mutated nor denied nor warned about",
                entry.webhook.name, probe.namespace
            );
            diagnostic(DoctorCode::WebhookNotCalled, entry.target(&[]), message)
        }
    }
}

/// Fields that [`probe_deployment`] leaves out and the mutating webhook sets, if the policy allows it.
const MUTATED_FIELDS: [&str; 3] = [
    "/spec/template/metadata/labels/azure.workload.identity~1use",
    "/spec/template/spec/serviceAccountName",
    "/spec/template/spec/containers/0/envFrom",
];

/// What the response of the API server shows.
enum ProbeResult<'a> {
    /// The webhook mutated or denied the gateway, or warned about it.
    Reviewed,
    /// The API server could not call this entry.
    CallFailed(WebhookEntry<'a>),
    /// This entry selects the namespace, but its webhook has not reviewed the gateway.
    NotReviewed(WebhookEntry<'a>),
    /// Another component denied the gateway, or no webhook entry selects the namespace.
    Unknown,
}

fn evaluate<'a>(input: &CheckInput<'a>, probe: &Probe, response: &DryRunResponse) -> ProbeResult<'a> {
    let message = message(response);
    let entry_named_after =
        |words: &str| input.gateway_entries().find(|it| message.contains(&format!("{words} \"{}\"", it.webhook.name)));
    if let Some(entry) = entry_named_after("failed calling webhook") {
        return ProbeResult::CallFailed(entry);
    }
    let is_denied = entry_named_after("admission webhook").is_some_and(|_| message.contains("denied the request"));
    if response.status >= 300 && !is_denied {
        return ProbeResult::Unknown;
    }
    let namespace = input.namespaces().iter().find(|one| one.name.as_ref() == Some(&probe.namespace));
    let is_selecting = |entry: &WebhookEntry<'_>| namespace.is_some_and(|it| entry.selects_namespace(labels(it)));
    let first = input.gateway_entries().find(is_selecting);
    let is_mutated = MUTATED_FIELDS.iter().any(|field| response.body.pointer(field).is_some());
    let is_warned = response.warnings.iter().any(|warning| warning.starts_with("apim-keyless: "));
    match first {
        // the mutating webhook would have added the label, so only the validating webhook was called
        Some(first) if first.webhook.name == MUTATE && message.contains("missing-identity-label at ") => {
            ProbeResult::NotReviewed(first)
        }
        _ if is_mutated || is_warned || is_denied => ProbeResult::Reviewed,
        Some(first) => ProbeResult::NotReviewed(first),
        None => ProbeResult::Unknown,
    }
}

/// `message` of a Status, empty for other responses.
fn message(response: &DryRunResponse) -> &str {
    response.body.get("message").and_then(Value::as_str).unwrap_or_default()
}

impl Probe {
    /// Why the dry run does not show whether the webhook is called.
    pub(super) fn read_error(&self, input: &CheckInput<'_>) -> Option<ReadError> {
        let response = match &self.response {
            Ok(response) => response,
            Err(error) => return Some(error.clone()),
        };
        let ProbeResult::Unknown = evaluate(input, self, response) else { return None };
        let reason = match (response.status, message(response)) {
            (403, message) if message.contains("is forbidden: User ") => {
                format!("needs create on deployments in namespace {}", self.namespace)
            }
            (300.., message) => format!("the API server responded {}: {}", response.status, printable(message)),
            _ => format!("no webhook entry is known to select namespace {}", self.namespace),
        };
        Some(ReadError { attempt: "check whether the webhook is called".to_owned(), reason })
    }
}
