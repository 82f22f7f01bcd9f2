//! What `--sign-in` asks for each gateway, and what came out of it: the token, its issuer, and the configuration endpoint.

use super::gateway::RunningGateway;
use super::identity::{AZURE_AUTHORITY_HOST, AZURE_CLIENT_ID, AZURE_TENANT_ID};
use super::{VerifyCode, VerifyInput, found};
use crate::cluster::{ReadError, ReadResult, TokenClaims, Unreachable};
use crate::doctor::{DoctorCode, Outcome, Target, of_entry};
use crate::entra::{ExchangeResponse, IssuerDocuments, IssuerError, TokenExchange};
use apim_keyless_core::azure::is_public_issuer;
use apim_keyless_core::gateway::{Cloud, ObjectReference};
use apim_keyless_core::policy::printable;
use apim_keyless_report::Diagnostic;

/// The only algorithm that Entra accepts of an issuer (Entra documentation, "Important considerations and restrictions for
/// federated identity credentials").
const ALGORITHM: &str = "RS256";

/// What to ask for a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRequest {
    /// The gateway.
    pub gateway: ObjectReference,
    /// The `ServiceAccount` whose token to ask for.
    pub service_account: String,
    /// The exchange at Entra, or why it is not possible.
    pub exchange: Result<TokenExchange, String>,
    /// Where client id and tenant come from, for messages.
    pub client_id_source: &'static str,
    /// Where the tenant comes from.
    pub tenant_id_source: &'static str,
    /// The cloud of the gateway's endpoint or audience.
    pub cloud: Cloud,
    /// `config.service.endpoint`, if it is known.
    pub endpoint: Option<String>,
}

/// What came out of it.
pub struct SignIn {
    /// What was asked.
    pub request: SignInRequest,
    /// What the token says of itself; the inner `None` if the `ServiceAccount` does not exist.
    pub token: ReadResult<Option<TokenClaims>>,
    /// The public documents of its issuer; `None` without a token.
    pub issuer: Option<Result<IssuerDocuments, IssuerError>>,
    /// Entra's answer; `None` without a token, or if the exchange is not possible.
    pub exchange: Option<Result<ExchangeResponse, Unreachable>>,
    /// The HTTP status of the configuration endpoint; `None` if its address is not known.
    pub endpoint: Option<Result<u16, Unreachable>>,
}

impl SignIn {
    /// What the token says of itself, if there is one.
    pub(super) fn claims(&self) -> Option<&TokenClaims> {
        self.token.as_ref().ok()?.as_ref()
    }
}

/// What to ask for a gateway that may use workload identity. `authority` is that of `--authority`, `tenant_ids` are those
/// that the policy expects.
///
/// Without `--authority` the token goes only to Entra's own address of the gateway's cloud: an address in a Pod may be
/// anybody's.
pub fn sign_in_request(gateway: &RunningGateway, authority: Option<&str>, tenant_ids: &[String]) -> SignInRequest {
    let account = found(&gateway.account);
    let (client_id, client_id_source) = first([
        (gateway.injected(AZURE_CLIENT_ID), "AZURE_CLIENT_ID of its Pods"),
        (account.and_then(|account| nonempty(account.client_id.as_deref())), "the annotation of its ServiceAccount"),
    ]);
    let (tenant_id, tenant_id_source) = first([
        (gateway.injected(AZURE_TENANT_ID), "AZURE_TENANT_ID of its Pods"),
        (account.and_then(|account| nonempty(account.tenant_id.as_deref())), "the annotation of its ServiceAccount"),
        (tenant_ids.first().map(String::as_str), "the policy"),
    ]);
    let of_endpoint = gateway.endpoint.as_deref().and_then(Cloud::of_api_management);
    let of_audience = gateway.token_audience.as_deref().and_then(Cloud::of_api_management);
    let of_pods = || gateway.injected(AZURE_AUTHORITY_HOST).and_then(Cloud::of_authority);
    let cloud = of_endpoint.or(of_audience).or_else(of_pods).unwrap_or(Cloud::Public);
    let exchange = match (client_id, tenant_id) {
        (None, _) => Err("needs a client id: set annotation azure.workload.identity/client-id on the ServiceAccount"),
        (_, None) => Err("needs a tenant: set annotation azure.workload.identity/tenant-id on the ServiceAccount, or \
                          start a Pod"),
        (_, Some(tenant)) if !is_tenant(tenant) => Err("needs a tenant that is a GUID or a domain"),
        (Some(client_id), Some(tenant_id)) => Ok(TokenExchange {
            authority: authority.unwrap_or(cloud.authority()).to_owned(),
            tenant_id: tenant_id.to_owned(),
            client_id: client_id.to_owned(),
            scope: format!("{}/.default", gateway.token_audience.as_deref().unwrap_or(cloud.token_audience())),
        }),
    };
    SignInRequest {
        gateway: gateway.reference.clone(),
        service_account: gateway.service_account.clone(),
        exchange: exchange.map_err(str::to_owned),
        client_id_source,
        tenant_id_source,
        cloud,
        endpoint: gateway.endpoint.clone().filter(|endpoint| !endpoint.trim().is_empty()),
    }
}

fn nonempty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

fn first<'a, const N: usize>(sources: [(Option<&'a str>, &'static str); N]) -> (Option<&'a str>, &'static str) {
    let mut known = sources.into_iter().filter(|(text, _)| text.is_some());
    known.next().unwrap_or((None, ""))
}

/// Whether a text can be a tenant in a URL: a GUID or a domain.
fn is_tenant(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && !text.contains("..")
}

/// The findings of every sign-in, with its gateway.
pub(super) fn each(
    input: &VerifyInput<'_>,
    finding: impl Fn(&SignIn, &RunningGateway) -> Vec<Diagnostic>,
    is_known: impl Fn(&SignIn) -> bool,
) -> Outcome {
    let Some(sign_ins) = input.sign_ins.filter(|sign_ins| !sign_ins.is_empty()) else { return Outcome::NotApplicable };
    let with_gateway = sign_ins.iter().filter_map(|sign_in| {
        Some((sign_in, input.gateways().find(|gateway| gateway.reference == sign_in.request.gateway)?))
    });
    let findings = with_gateway.flat_map(|(sign_in, gateway)| finding(sign_in, gateway)).collect();
    Outcome::of(findings, sign_ins.iter().all(is_known))
}

/// Does the API server issue a token?
pub(super) fn check_token(input: &VerifyInput<'_>) -> Outcome {
    let finding = |sign_in: &SignIn, gateway: &RunningGateway| {
        let is_missing = matches!(sign_in.token, Ok(None));
        let message = format!("ServiceAccount {} does not exist", gateway.service_account);
        let finding = is_missing.then(|| input.found(VerifyCode::ServiceAccountMissing, gateway, message));
        finding.into_iter().collect()
    };
    each(input, finding, |sign_in| sign_in.token.is_ok())
}

/// Is the issuer of the token that of the cluster, and does it publish the key that signed it?
pub(super) fn check_issuer(input: &VerifyInput<'_>) -> Outcome {
    let Some(first) = input.sign_ins.into_iter().flatten().find(|sign_in| sign_in.claims().is_some()) else {
        return each(input, |_, _| Vec::new(), |_| false);
    };
    let (Some(claims), Some(gateway)) = (first.claims(), input.gateways().next()) else { return Outcome::Unknown };
    let issuer = printable(&claims.issuer);
    let mut findings = Vec::new();
    if let Ok(discovered) = &input.running.issuer
        && *discovered != claims.issuer
    {
        let message = format!("the token has issuer {issuer}, and the discovery document {}", printable(discovered));
        findings.push(of_server(input, VerifyCode::TokenIssuerDiffers, message));
    }
    if !is_public_issuer(&claims.issuer) {
        let target = Target::of_server([".well-known", "openid-configuration"]);
        let message = format!("ServiceAccount tokens are issued by {issuer}, which Entra cannot reach");
        let code = DoctorCode::IssuerNotPublic;
        findings.push(of_entry(code.id(), code.entry(), &input.names.namespace, target, message));
    }
    if claims.algorithm != ALGORITHM {
        let message = format!("the token is signed with {}, and Entra needs {ALGORITHM}", printable(&claims.algorithm));
        findings.push(of_server(input, VerifyCode::TokenAlgorithmUnsupported, message));
    }
    let documents = match &first.issuer {
        None => return Outcome::of(findings, false),
        Some(Err(error)) => {
            findings.push(input.found(VerifyCode::IssuerUnreachable, gateway, printable(&error.to_string())));
            return Outcome::of(findings, input.running.issuer.is_ok());
        }
        Some(Ok(documents)) => documents,
    };
    if documents.issuer != claims.issuer {
        let message =
            format!("the token has issuer {issuer}, and its public document {}", printable(&documents.issuer));
        findings.push(of_server(input, VerifyCode::IssuerDocumentDiffers, message));
    }
    if !documents.key_ids.contains(&claims.key_id) {
        let message =
            format!("{issuer} publishes {} keys, and not the one that signed the token", documents.key_ids.len());
        findings.push(of_server(input, VerifyCode::SigningKeyNotPublished, message));
    }
    Outcome::of(findings, input.running.issuer.is_ok())
}

fn of_server(input: &VerifyInput<'_>, code: VerifyCode, message: String) -> Diagnostic {
    let target = Target::of_server([".well-known", "openid-configuration"]);
    of_entry(code.id(), code.entry(), &input.running.name, target, message)
}

/// Does the configuration endpoint answer?
pub(super) fn check_endpoint(input: &VerifyInput<'_>) -> Outcome {
    let finding = |sign_in: &SignIn, gateway: &RunningGateway| {
        let Some(Err(error)) = &sign_in.endpoint else { return Vec::new() };
        let host = sign_in.request.endpoint.as_deref().unwrap_or_default();
        let message = format!("{}: {error}", printable(host.trim()));
        vec![input.found(VerifyCode::EndpointUnreachable, gateway, message)]
    };
    each(input, finding, |sign_in| sign_in.endpoint.is_some())
}

/// What could not be asked.
pub(super) fn unknown(input: &VerifyInput<'_>) -> Vec<ReadError> {
    let mut errors = Vec::new();
    for sign_in in input.sign_ins.into_iter().flatten() {
        let name = &sign_in.request.gateway.name;
        errors.extend(sign_in.token.as_ref().err().cloned());
        if let Err(reason) = &sign_in.request.exchange {
            let attempt = format!("exchange the token of gateway {name}");
            errors.push(ReadError { attempt, reason: reason.clone() });
        }
        if sign_in.request.endpoint.is_none() {
            let attempt = format!("call the configuration endpoint of gateway {name}");
            let reason = "config.service.endpoint is not set, or its value cannot be read here".to_owned();
            errors.push(ReadError { attempt, reason });
        }
    }
    errors
}
