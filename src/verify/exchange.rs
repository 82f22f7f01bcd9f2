//! Entra's answer, and the federated credentials of a list. A code of Entra explains, and decides nothing: what is shown
//! besides depends on it, and the finding does not.

use super::gateway::RunningGateway;
use super::sign_in::{SignIn, SignInRequest, each};
use super::{VerifyCode, VerifyInput};
use crate::cluster::TokenClaims;
use crate::doctor::Outcome;
use crate::entra::{ExchangeResponse, TokenExchange};
use apim_keyless_core::azure::{ConfiguredCredential, Difference, FederatedCredential, compare, sign_in_error};
use apim_keyless_core::gateway::Cloud;
use apim_keyless_core::policy::printable;
use apim_keyless_report::{Diagnostic, Fix, Safety};

/// Do the federated credentials of `--credentials` fit?
pub(super) fn check_credentials(input: &VerifyInput<'_>) -> Outcome {
    let Some(credentials) = input.credentials else { return Outcome::NotApplicable };
    let of_gateway = |gateway: &RunningGateway| {
        let differences = differences(input, gateway, credentials).into_iter();
        differences
            .map(|difference| {
                let message = printable(&described(&difference)).into_owned();
                input.found(VerifyCode::FederatedCredentialDiffers, gateway, message)
            })
            .collect::<Vec<_>>()
    };
    Outcome::of(input.with_identity().flat_map(of_gateway).collect(), input.running.issuer.is_ok())
}

fn differences(
    input: &VerifyInput<'_>,
    gateway: &RunningGateway,
    credentials: &[ConfiguredCredential],
) -> Vec<Difference> {
    let issuer = input.running.issuer.as_deref().ok();
    compare(&[FederatedCredential::new(issuer, &input.running.name, &gateway.service_account)], credentials)
}

/// Expected and configured, side by side.
fn described(difference: &Difference) -> String {
    let credential = difference.credential.as_ref().map(|name| format!("credential {name}: ")).unwrap_or_default();
    let configured = match difference.configured.as_str() {
        "" => String::new(),
        configured => format!("; configured \"{configured}\""),
    };
    format!(
        "{credential}{}: expected {} \"{}\"{configured}",
        difference.cause,
        difference.field.name(),
        difference.expected
    )
}

/// Does Entra accept the token?
pub(super) fn check_exchange(input: &VerifyInput<'_>) -> Outcome {
    each(input, |sign_in, gateway| finding(input, sign_in, gateway), |sign_in| sign_in.exchange.is_some())
}

fn finding(input: &VerifyInput<'_>, sign_in: &SignIn, gateway: &RunningGateway) -> Vec<Diagnostic> {
    let (Some(answer), Ok(request)) = (&sign_in.exchange, &sign_in.request.exchange) else { return Vec::new() };
    let url = request.url();
    match answer {
        Ok(ExchangeResponse::Accepted) => Vec::new(),
        Ok(ExchangeResponse::Rejected { error, codes }) => {
            vec![rejected(input, (sign_in, request), gateway, (error, codes))]
        }
        Ok(ExchangeResponse::Unexpected { status }) => {
            let message = format!("{url} answered {status}, and not as a token endpoint does");
            vec![input.found(VerifyCode::EntraUnreachable, gateway, message)]
        }
        Err(error) => vec![input.found(VerifyCode::EntraUnreachable, gateway, format!("{url}: {error}"))],
    }
}

fn rejected(
    input: &VerifyInput<'_>,
    (sign_in, exchange): (&SignIn, &TokenExchange),
    gateway: &RunningGateway,
    (error, codes): (&str, &[String]),
) -> Diagnostic {
    let explained = codes.iter().find_map(|code| sign_in_error::find(code));
    let code = codes.first().map(String::as_str).unwrap_or_default();
    let mut message = format!("Entra rejects the token of ServiceAccount {}", gateway.service_account);
    message += &match explained {
        Some(explained) => format!(": {}: {}", explained.code, explained.summary),
        None if code.is_empty() => format!(": {error}"),
        None => format!(": {code}, which apim-keyless does not know ({error})"),
    };
    let compared = sides(sign_in.claims(), &sign_in.request, exchange, explained.map_or(code, |known| known.code));
    message += &format!(". {compared}");
    let mut finding = input.found(VerifyCode::EntraRejectsToken, gateway, message);
    if let Some(explained) = explained {
        let account = format!("{}:{}", input.running.name, gateway.service_account);
        let title = explained.fix.replace("NAMESPACE:NAME", &account);
        let title = title.replace("--id CLIENT_ID", &format!("--id {}", exchange.client_id));
        finding.fixes = vec![Fix { title, safety: Safety::Unsafe, edits: Vec::new() }];
    }
    finding
}

/// What Entra compared: what the cluster has, next to where its counterpart is.
fn sides(claims: Option<&TokenClaims>, request: &SignInRequest, exchange: &TokenExchange, code: &str) -> String {
    let TokenExchange { authority, tenant_id, client_id, scope } = exchange;
    let app = || format!("client id {client_id} (from {})", request.client_id_source);
    let tenant = || format!("tenant {tenant_id} (from {})", request.tenant_id_source);
    let token = |fields: &[&str]| {
        let default = TokenClaims::default();
        let claims = claims.unwrap_or(&default);
        let value = |field: &&&str| match **field {
            "issuer" => claims.issuer.clone(),
            "subject" => claims.subject.clone(),
            _ => claims.audiences.join(" "),
        };
        let each: Vec<String> = fields.iter().map(|field| format!("{field} \"{}\"", value(&field))).collect();
        format!("Expected in the federated credential of {}: {}", app(), each.join(", "))
    };
    let text = match code {
        "AADSTS700211" => token(&["issuer"]),
        "AADSTS700212" => token(&["audience"]),
        "AADSTS700213" | "AADSTS7002138" => token(&["subject"]),
        "AADSTS700016" | "AADSTS7000229" => {
            format!("Configured: {}; expected: an app or identity of {}", app(), tenant())
        }
        "AADSTS90002" => format!("Configured: {}, at {authority}", tenant()),
        "AADSTS90061" => {
            let issuer = claims.map(|claims| claims.issuer.as_str()).unwrap_or_default();
            format!("Expected: {issuer}/.well-known/openid-configuration can be read from the internet")
        }
        "AADSTS500011" => {
            let expected = request.cloud.token_audience();
            format!("Configured: scope {scope}; expected in {}: {expected}/.default", request.cloud)
        }
        "AADSTS900382" | "AADSTS900432" | "AADSTS90038" => {
            let (asked, own) = (Cloud::of_authority(authority), request.cloud);
            let asked = asked.map_or_else(|| "another server".to_owned(), |cloud| cloud.to_string());
            format!(
                "Configured: {} at {authority} ({asked}); expected for its endpoint: {own}, {}",
                tenant(),
                own.authority()
            )
        }
        _ => format!("{}; {}; scope {scope}", token(&["issuer", "subject", "audience"]), tenant()),
    };
    printable(&text).into_owned()
}
