//! A gateway that is written and not stored: does the webhook say anything to it?

use super::check_input::WebhookEntry;
use super::namespaces::labels;
use super::webhook_entries::MUTATE;
use super::{CheckInput, Code, DoctorFinding, Probe};
use crate::cluster::{DryRunResponse, ReadError};
use crate::policy::printable;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

/// A bare gateway. What it lacks is mended, refused or remarked on, whatever the policy.
pub fn deployment() -> Value {
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

/// The namespace to write to: the one that is asked for, else the first that is mended, else the first that is judged.
pub fn namespace_to_probe(input: &CheckInput<'_>, requested: Option<&str>) -> Option<String> {
    if let Some(requested) = requested {
        return input.configurations().next().map(|_| requested.to_owned());
    }
    let first = |takes: &dyn Fn(&WebhookEntry<'_>) -> bool| {
        let mut alive = input.namespaces().iter().filter(|namespace| namespace.deletion_timestamp.is_none());
        let taken = |namespace: &ObjectMeta| input.entries().any(|one| takes(&one) && one.takes(labels(namespace)));
        alive.find(|namespace| taken(namespace)).and_then(|namespace| namespace.name.clone())
    };
    first(&|entry| entry.webhook.name == MUTATE).or_else(|| first(&|_| true))
}

/// The gateway was mended, refused or remarked on.
pub(super) fn was_answered(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let Some(probe) = input.probe else { return Vec::new() };
    let Ok(response) = &probe.response else { return Vec::new() };
    let finding = |code, location, message| vec![DoctorFinding::new(code, input.names, location, message)];
    match decision(input, probe, response) {
        Decision::Answered | Decision::Unknown => Vec::new(),
        Decision::Failed(entry) => {
            let message = format!("in namespace {}: {}", probe.namespace, message(response));
            finding(Code::WebhookUnreachable, entry.location(&[]), message)
        }
        Decision::Silent(entry) => {
            let message = format!(
                "{}: nobody mended or remarked on a gateway in namespace {}",
                entry.webhook.name, probe.namespace
            );
            finding(Code::WebhookNotCalled, entry.location(&[]), message)
        }
    }
}

/// What the bare gateway lacks, and the webhook sets where the policy lets it.
const MENDED: [&str; 3] = [
    "/spec/template/metadata/labels/azure.workload.identity~1use",
    "/spec/template/spec/serviceAccountName",
    "/spec/template/spec/containers/0/envFrom",
];

/// What an answer means.
enum Decision<'a> {
    Answered,
    /// The API server could not call this entry.
    Failed(WebhookEntry<'a>),
    /// This entry should have said something.
    Silent(WebhookEntry<'a>),
    /// Somebody else refused, or the namespace is none that is judged.
    Unknown,
}

fn decision<'a>(input: &CheckInput<'a>, probe: &Probe, response: &DryRunResponse) -> Decision<'a> {
    let message = message(response);
    let named =
        |before: &str| input.entries().find(|one| message.contains(&format!("{before} \"{}\"", one.webhook.name)));
    if let Some(entry) = named("failed calling webhook") {
        return Decision::Failed(entry);
    }
    let refused = named("admission webhook").is_some_and(|_| message.contains("denied the request"));
    if response.status >= 300 && !refused {
        return Decision::Unknown;
    }
    let namespace = input.namespaces().iter().find(|one| one.name.as_ref() == Some(&probe.namespace));
    let mut taking = input.entries().filter(|one| namespace.is_some_and(|namespace| one.takes(labels(namespace))));
    let first = taking.next();
    let is_applied = MENDED.iter().any(|field| response.body.pointer(field).is_some());
    let is_remarked = response.warnings.iter().any(|warning| warning.starts_with("apim-keyless: "));
    match first {
        // what is mended can't be refused: it was not mended, though the entry that refuses was called
        Some(first) if first.webhook.name == MUTATE && message.contains("missing-identity-label at ") => {
            Decision::Silent(first)
        }
        _ if is_applied || is_remarked || refused => Decision::Answered,
        Some(first) => Decision::Silent(first),
        None => Decision::Unknown,
    }
}

/// What the API server says of a refusal.
fn message(response: &DryRunResponse) -> &str {
    response.body.get("message").and_then(Value::as_str).unwrap_or_default()
}

impl Probe {
    /// Why it tells nothing.
    pub(super) fn read_errors(&self, input: &CheckInput<'_>) -> Option<ReadError> {
        let response = match &self.response {
            Ok(response) => response,
            Err(read_errors) => return Some(read_errors.clone()),
        };
        let Decision::Unknown = decision(input, self, response) else { return None };
        let reason = match (response.status, message(response)) {
            (403, message) if message.contains("is forbidden: User ") => {
                format!("needs create on deployments in namespace {}", self.namespace)
            }
            (300.., message) => format!("the API server says {}: {}", response.status, printable(message)),
            _ => format!("no webhook entry is known to take namespace {}", self.namespace),
        };
        Some(ReadError { what: "whether the webhook is called".to_owned(), reason })
    }
}
