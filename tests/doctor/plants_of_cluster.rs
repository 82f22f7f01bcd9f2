//! Faults of the cluster around an installation.

use crate::front::issues_publicly;
use crate::installed::{MUTATING, workload_identity};
use crate::plants::{How, Plant, change};
use apim_keyless::doctor::Code;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// The namespace that is judged while the tests run.
const AWAITED: &str = "/api/v1/namespaces/awaited";

/// Where azure-workload-identity is registered.
const IDENTITY: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/azure-wi-webhook-mutating-webhook-configuration";

/// Faults of the cluster around an installation.
pub(crate) fn all() -> Vec<Plant> {
    of_server().into_iter().chain(of_identity()).chain(of_keys()).chain(of_modes()).collect()
}

fn of_server() -> Vec<Plant> {
    let version = "API server /version";
    vec![
        Plant::new(Code::ClockDrifting, &[version], How::Alter(|path, headers, body| late(path, (headers, body), 60))),
        Plant::new(Code::ClockSkewed, &[version], How::Alter(|path, headers, body| late(path, (headers, body), 600))),
        Plant::new(
            Code::ServerTooOld,
            &[version],
            How::Alter(|path, headers, body| {
                issues_publicly(path, headers, body);
                if path == "/version" {
                    body["minor"] = json!("29+");
                }
            }),
        ),
        // what the control plane of the tests says by itself
        Plant::new(Code::IssuerNotPublic, &["API server /.well-known/openid-configuration"], How::Alter(|_, _, _| {})),
    ]
}

fn of_identity() -> Vec<Plant> {
    vec![
        Plant::new(
            Code::WorkloadIdentityMissing,
            &["MutatingWebhookConfiguration azure-wi-webhook-mutating-webhook-configuration"],
            How::Remove(IDENTITY),
        ),
        Plant::new(
            Code::WebhookOrder,
            &["MutatingWebhookConfiguration apim-keyless"],
            How::Add(MUTATING, workload_identity("a-workload-identity")),
        ),
    ]
}

fn of_keys() -> Vec<Plant> {
    let annotate = |key: &'static str, value: &'static str| {
        change(AWAITED, move |namespace| namespace["metadata"]["annotations"] = json!({key: value}))
    };
    vec![
        Plant::new(
            Code::NamespaceKeyUnknown,
            &["Namespace awaited /metadata/annotations/apim-keyless.dev~1client_id"],
            annotate("apim-keyless.dev/client_id", "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"),
        ),
        Plant::new(
            Code::NamespaceValueMalformed,
            &["Namespace awaited /metadata/annotations/apim-keyless.dev~1client-id"],
            annotate("apim-keyless.dev/client-id", "CLIENT_ID"),
        ),
    ]
}

fn of_modes() -> Vec<Plant> {
    vec![
        Plant::new(
            Code::NamespaceModeMisspelled,
            &["Namespace default /metadata/labels/apim-keyless.dev~1mode"],
            change("/api/v1/namespaces/default", |namespace| {
                namespace["metadata"]["labels"]["apim-keyless.dev/mode"] = json!("enforced");
            }),
        ),
        Plant::new(
            Code::NamespaceExcluded,
            &["Namespace kube-system /metadata/labels/apim-keyless.dev~1mode"],
            change("/api/v1/namespaces/kube-system", |namespace| {
                namespace["metadata"]["labels"]["apim-keyless.dev/mode"] = json!("enforce");
            }),
        ),
        Plant::new(
            Code::NoNamespaceEvaluated,
            &["ValidatingWebhookConfiguration apim-keyless"],
            change(AWAITED, |namespace| {
                namespace["metadata"]["labels"]["apim-keyless.dev/mode"] = json!("off");
            }),
        ),
    ]
}

/// The API server's clock is late.
fn late(path: &str, (headers, body): (&mut axum::http::HeaderMap, &mut Value), seconds: u64) {
    issues_publicly(path, headers, body);
    let late = SystemTime::now() - Duration::from_secs(seconds);
    headers.insert("date", httpdate::fmt_http_date(late).parse().unwrap());
}
