//! What can be wrong outside of the cluster, and what `verify --sign-in` says about it.

use super::scene::{CLIENT, TENANT};
use serde_json::json;
use std::time::Duration;
use test_support::azure::{App, AzureState, Credential, ISSUER};

/// A planted cause: the change, the findings as id and a part of the message, and a part of the first fix.
pub(super) type Planted = (fn(&mut AzureState), &'static [(&'static str, &'static str)], &'static str);

pub(super) fn app(state: &mut AzureState) -> &mut App {
    state.entra.tenants.get_mut(TENANT).unwrap().get_mut(CLIENT).unwrap()
}

pub(super) fn credential(state: &mut AzureState) -> &mut Credential {
    &mut app(state).credentials[0]
}

/// Every failure that the stand-in of Entra and the issuer can show.
pub(super) const PLANTED: &[Planted] = &[
    (|_| {}, &[], ""),
    (
        |state| credential(state).subject = "system:serviceaccount:other:orders".into(),
        &[(
            "entra-rejects-token",
            "AADSTS700213: No federated credential has the subject of the token. Expected in the federated credential of \
             client id 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10 (from AZURE_CLIENT_ID of its Pods): subject \
             \"system:serviceaccount:apim:orders\"",
        )],
        "Set the subject of the credential to system:serviceaccount:apim:orders, with",
    ),
    (
        |state| credential(state).subject = "system:serviceaccount:Apim:orders".into(),
        &[(
            "entra-rejects-token",
            "AADSTS7002138: The subject of the federated credential differs only in upper and lower",
        )],
        "names of namespaces and ServiceAccounts are lower case",
    ),
    (
        |state| credential(state).issuer = format!("{ISSUER}/"),
        &[("entra-rejects-token", "AADSTS700211: No federated credential has the issuer of the token. Expected in")],
        "Set the issuer of the credential to that of the cluster, with its final slash",
    ),
    (
        |state| credential(state).audience = "api://azureadtokenexchange".into(),
        &[("entra-rejects-token", "AADSTS700212: No federated credential has the audience of the token")],
        "Set the audience of the credential to api://AzureADTokenExchange",
    ),
    (
        |state| app(state).credentials.clear(),
        &[("entra-rejects-token", "AADSTS70025: The app or identity has no federated credential at all")],
        "Create the federated credential",
    ),
    (
        |state| state.entra.tenants.get_mut(TENANT).unwrap().clear(),
        &[(
            "entra-rejects-token",
            "AADSTS700016: The tenant has no app with this client id. Configured: client id \
             7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10 (from AZURE_CLIENT_ID of its Pods); expected: an app or identity of \
             tenant 0f8fad5b-d9cb-469f-a165-70867728950e (from AZURE_TENANT_ID of its Pods)",
        )],
        "Correct the annotation azure.workload.identity/client-id",
    ),
    (
        |state| app(state).has_no_service_principal = true,
        &[("entra-rejects-token", "AADSTS7000229: The app has no service principal in this tenant")],
        "az ad sp create --id 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10",
    ),
    (
        |state| state.entra.tenants.clear(),
        &[(
            "entra-rejects-token",
            "AADSTS90002: The tenant does not exist, or it is in another cloud. Configured: tenant",
        )],
        "Correct the annotation azure.workload.identity/tenant-id",
    ),
    (
        |state| state.entra.clock_ahead = Duration::from_hours(1),
        &[("entra-rejects-token", "AADSTS700024: The token is outside of its time")],
        "Synchronize the clocks",
    ),
    (
        |state| state.published_keys = json!({"keys": []}),
        &[
            (
                "signing-key-not-published",
                "https://kubernetes.default.svc publishes 0 keys, and not the one that signed",
            ),
            ("entra-rejects-token", "AADSTS50027: The token is not a valid JWT"),
        ],
        "publish the cluster's own discovery document and keys",
    ),
    (
        |state| state.published_issuer = Some(format!("{ISSUER}/")),
        &[(
            "issuer-document-differs",
            "the token has issuer https://kubernetes.default.svc, and its public document \
                                       https://kubernetes.default.svc/",
        )],
        "publish the cluster's own discovery document and keys",
    ),
    (
        |state| state.published_issuer = None,
        &[
            ("issuer-unreachable", "https://kubernetes.default.svc/.well-known/openid-configuration: it answered 404"),
            (
                "entra-rejects-token",
                "AADSTS90061: Entra cannot reach the issuer of the cluster's tokens. Expected: \
                 https://kubernetes.default.svc/.well-known/openid-configuration can be read from the internet",
            ),
        ],
        "check that everybody can read them",
    ),
    (
        |state| state.entra.other_answer = Some((400, json!({"error": "invalid_client", "error_codes": [999_999]}))),
        &[(
            "entra-rejects-token",
            "AADSTS999999, which apim-keyless does not know (invalid_client). Expected in the federated credential of",
        )],
        "compare the federated credential with the token",
    ),
    (
        |state| state.entra.other_answer = Some((502, json!("canary"))),
        &[("entra-unreachable", "/oauth2/v2.0/token answered 502, and not as a token endpoint does")],
        "let this machine, and the cluster, reach Entra",
    ),
];
