//! Problems of the cluster that an installation runs in.

use super::api_server_proxy::public_issuer;
use super::injection::{InjectedProblem, Injection, change};
use super::installation::{MUTATING, workload_identity};
use apim_keyless::doctor::DoctorCode;
use apim_keyless_core::policy::utc_date;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// The namespace that is enforced while the tests run.
const AWAITED: &str = "/api/v1/namespaces/awaited";

/// The ConfigMap with the policy document.
const POLICY: &str = "/api/v1/namespaces/apim-keyless/configmaps/apim-keyless-policy";

/// The webhook configuration of azure-workload-identity.
const IDENTITY: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/azure-wi-webhook-mutating-webhook-configuration";

/// Every problem of the cluster.
pub(crate) fn all() -> Vec<InjectedProblem> {
    server_problems()
        .into_iter()
        .chain(workload_identity_problems())
        .chain(namespace_key_problems())
        .chain(mode_problems())
        .chain(policy_problems())
        .collect()
}

fn server_problems() -> Vec<InjectedProblem> {
    let version = "API server /version";
    vec![
        InjectedProblem::new(
            DoctorCode::ClockDrifting,
            &[version],
            Injection::Alter(|path, headers, body| slow_clock(path, headers, body, 60)),
        ),
        InjectedProblem::new(
            DoctorCode::ClockSkewed,
            &[version],
            Injection::Alter(|path, headers, body| slow_clock(path, headers, body, 600)),
        ),
        InjectedProblem::new(
            DoctorCode::ServerTooOld,
            &[version],
            Injection::Alter(|path, headers, body| {
                public_issuer(path, headers, body);
                if path == "/version" {
                    body["minor"] = json!("29+");
                }
            }),
        ),
        // the issuer of the tests' control plane
        InjectedProblem::new(
            DoctorCode::IssuerNotPublic,
            &["API server /.well-known/openid-configuration"],
            Injection::Alter(|_, _, _| {}),
        ),
    ]
}

fn workload_identity_problems() -> Vec<InjectedProblem> {
    vec![
        InjectedProblem::new(
            DoctorCode::WorkloadIdentityMissing,
            &["MutatingWebhookConfiguration azure-wi-webhook-mutating-webhook-configuration"],
            Injection::Remove(IDENTITY),
        ),
        InjectedProblem::new(
            DoctorCode::WebhookOrder,
            &["MutatingWebhookConfiguration apim-keyless"],
            Injection::Add(MUTATING, workload_identity("a-workload-identity")),
        ),
    ]
}

fn namespace_key_problems() -> Vec<InjectedProblem> {
    let annotate = |key: &'static str, value: &'static str| {
        change(AWAITED, move |namespace| namespace["metadata"]["annotations"] = json!({key: value}))
    };
    vec![
        InjectedProblem::new(
            DoctorCode::MalformedNamespaceSetting,
            &["Namespace awaited /metadata/annotations/apim-keyless.dev~1client_id"],
            annotate("apim-keyless.dev/client_id", "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"),
        ),
        InjectedProblem::new(
            DoctorCode::MalformedNamespaceSetting,
            &["Namespace awaited /metadata/annotations/apim-keyless.dev~1client-id"],
            annotate("apim-keyless.dev/client-id", "CLIENT_ID"),
        ),
    ]
}

fn mode_problems() -> Vec<InjectedProblem> {
    vec![
        InjectedProblem::new(
            DoctorCode::MalformedNamespaceSetting,
            &["Namespace default /metadata/labels/apim-keyless.dev~1mode"],
            change("/api/v1/namespaces/default", |namespace| {
                namespace["metadata"]["labels"]["apim-keyless.dev/mode"] = json!("enforced");
            }),
        ),
        InjectedProblem::new(
            DoctorCode::NamespaceExcluded,
            &["Namespace kube-system /metadata/labels/apim-keyless.dev~1mode"],
            change("/api/v1/namespaces/kube-system", |namespace| {
                namespace["metadata"]["labels"]["apim-keyless.dev/mode"] = json!("enforce");
            }),
        ),
        InjectedProblem::new(
            DoctorCode::NoNamespaceEvaluated,
            &["ValidatingWebhookConfiguration apim-keyless"],
            change(AWAITED, |namespace| {
                namespace["metadata"]["labels"]["apim-keyless.dev/mode"] = json!("off");
            }),
        ),
    ]
}

fn policy_problems() -> Vec<InjectedProblem> {
    let policy = |code, spec: &'static str| {
        let document = format!("apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nspec:\n{spec}\n");
        let location = "ConfigMap apim-keyless/apim-keyless-policy /data/policy.yaml";
        InjectedProblem::new(code, &[location], change(POLICY, move |it| it["data"]["policy.yaml"] = json!(document)))
    };
    let exception = "  exceptions:\n  - {rule: '*', namespace: a, name: a, reason: a, expires: 2020-01-31}";
    // the clock of this machine is not changed, so the date is always near
    let soon = utc_date(SystemTime::now() + Duration::from_hours(24));
    let expiring = format!("  exceptions:\n  - {{rule: '*', namespace: a, name: a, reason: a, expires: {soon}}}");
    vec![
        policy(DoctorCode::ExceptionExpired, exception),
        policy(DoctorCode::ExceptionExpiring, String::leak(expiring)),
        policy(DoctorCode::PolicyInvalid, "  defaults: {gatewayName: a}"),
    ]
}

/// Sets the API server's clock back by `seconds`.
fn slow_clock(path: &str, headers: &mut axum::http::HeaderMap, body: &mut Value, seconds: u64) {
    public_issuer(path, headers, body);
    let time = SystemTime::now() - Duration::from_secs(seconds);
    headers.insert("date", httpdate::fmt_http_date(time).parse().unwrap());
}
