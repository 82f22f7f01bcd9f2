//! A gateway that is written and not stored: does the webhook say anything to it?

use super::case::Entry;
use super::entries::MUTATE;
use super::namespaces::labels;
use super::{Case, Fault, Finding, Probe};
use crate::cluster::{Answer, Unread};
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
pub fn namespace_to_probe(case: &Case<'_>, requested: Option<&str>) -> Option<String> {
    if let Some(requested) = requested {
        return case.configurations().next().map(|_| requested.to_owned());
    }
    let first = |takes: &dyn Fn(&Entry<'_>) -> bool| {
        let mut alive = case.namespaces().iter().filter(|namespace| namespace.deletion_timestamp.is_none());
        let taken = |namespace: &ObjectMeta| case.entries().any(|one| takes(&one) && one.takes(labels(namespace)));
        alive.find(|namespace| taken(namespace)).and_then(|namespace| namespace.name.clone())
    };
    first(&|entry| entry.webhook.name == MUTATE).or_else(|| first(&|_| true))
}

/// The gateway was mended, refused or remarked on.
pub(super) fn was_answered(case: &Case<'_>) -> Vec<Finding> {
    let Some(probe) = case.probe else { return Vec::new() };
    let Ok(answer) = &probe.answer else { return Vec::new() };
    let finding = |fault, place, problem| vec![Finding::new(fault, case.site, place, problem)];
    match verdict(case, probe, answer) {
        Verdict::Answered | Verdict::Unknown => Vec::new(),
        Verdict::Failed(entry) => {
            let problem = format!("in namespace {}: {}", probe.namespace, message(answer));
            finding(Fault::WebhookUnreachable, entry.place(&[]), problem)
        }
        Verdict::Silent(entry) => {
            let problem = format!(
                "{}: nobody mended or remarked on a gateway in namespace {}",
                entry.webhook.name, probe.namespace
            );
            finding(Fault::WebhookSilent, entry.place(&[]), problem)
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
enum Verdict<'a> {
    Answered,
    /// The API server could not call this entry.
    Failed(Entry<'a>),
    /// This entry should have said something.
    Silent(Entry<'a>),
    /// Somebody else refused, or the namespace is none that is judged.
    Unknown,
}

fn verdict<'a>(case: &Case<'a>, probe: &Probe, answer: &Answer) -> Verdict<'a> {
    let message = message(answer);
    let named =
        |before: &str| case.entries().find(|one| message.contains(&format!("{before} \"{}\"", one.webhook.name)));
    if let Some(entry) = named("failed calling webhook") {
        return Verdict::Failed(entry);
    }
    let refused = named("admission webhook").is_some_and(|_| message.contains("denied the request"));
    if answer.status >= 300 && !refused {
        return Verdict::Unknown;
    }
    let namespace = case.namespaces().iter().find(|one| one.name.as_ref() == Some(&probe.namespace));
    let mut taking = case.entries().filter(|one| namespace.is_some_and(|namespace| one.takes(labels(namespace))));
    let first = taking.next();
    let is_mended = MENDED.iter().any(|field| answer.body.pointer(field).is_some());
    let is_remarked = answer.warnings.iter().any(|warning| warning.starts_with("apim-keyless: "));
    match first {
        // what is mended can't be refused: it was not mended, though the entry that refuses was called
        Some(first) if first.webhook.name == MUTATE && message.contains("missing-identity-label at ") => {
            Verdict::Silent(first)
        }
        _ if is_mended || is_remarked || refused => Verdict::Answered,
        Some(first) => Verdict::Silent(first),
        None => Verdict::Unknown,
    }
}

/// What the API server says of a refusal.
fn message(answer: &Answer) -> &str {
    answer.body.get("message").and_then(Value::as_str).unwrap_or_default()
}

impl Probe {
    /// Why it tells nothing.
    pub(super) fn unread(&self, case: &Case<'_>) -> Option<Unread> {
        let answer = match &self.answer {
            Ok(answer) => answer,
            Err(unread) => return Some(unread.clone()),
        };
        let Verdict::Unknown = verdict(case, self, answer) else { return None };
        let reason = match (answer.status, message(answer)) {
            (403, message) if message.contains("is forbidden: User ") => {
                format!("needs create on deployments in namespace {}", self.namespace)
            }
            (300.., message) => format!("the API server says {}: {}", answer.status, printable(message)),
            _ => format!("no webhook entry is known to take namespace {}", self.namespace),
        };
        Some(Unread { what: "whether the webhook is called".to_owned(), reason })
    }
}
