//! Exchanges a token of the cluster for one of Entra, as a gateway does.
//!
//! "Microsoft identity platform and the OAuth 2.0 client credentials flow", third case: an access token request with a
//! federated credential.

use crate::cluster::{OutsideServers, ServiceAccountToken, Unreachable};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Most characters of Entra's `error` that are shown.
const ERROR_CHARACTERS: usize = 60;

/// What Entra puts before the number of an error.
const CODE: &str = "AADSTS";

/// The request for a token, without the assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenExchange {
    /// The address of Entra, such as `https://login.microsoftonline.com`.
    pub authority: String,
    /// The tenant's id or domain.
    pub tenant_id: String,
    /// The client id of the app or identity.
    pub client_id: String,
    /// The audience with `/.default`.
    pub scope: String,
}

/// Entra's answer. No token is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeResponse {
    /// Entra accepted the assertion.
    Accepted,
    /// Entra rejected it: `error` (RFC 6749, section 5.2) and the codes of Entra, such as `AADSTS700213`.
    Rejected {
        /// The word that OAuth defines, such as `invalid_client`.
        error: String,
        /// Entra's codes.
        codes: Vec<String>,
    },
    /// It is not the answer of a token endpoint.
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "access_token")]
    _access_token: IgnoredAny,
}

#[derive(Deserialize)]
struct Rejected {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u64>,
}

impl TokenExchange {
    /// The address of the token endpoint.
    pub fn url(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.authority.trim_end_matches('/'), self.tenant_id)
    }
}

/// Exchanges `token`.
///
/// # Errors
/// There is no answer.
pub async fn exchange(
    servers: &OutsideServers,
    request: &TokenExchange,
    token: &ServiceAccountToken,
) -> Result<ExchangeResponse, Unreachable> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", &request.client_id)
        .append_pair("scope", &request.scope)
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .append_pair("client_assertion", token.assertion());
    let response = servers.post_form(&request.url(), form.finish()).await?;
    Ok(read(response.status, &response.body))
}

fn read(status: u16, body: &[u8]) -> ExchangeResponse {
    if status == 200 && serde_json::from_slice::<Accepted>(body).is_ok() {
        return ExchangeResponse::Accepted;
    }
    let Ok(rejected) = serde_json::from_slice::<Rejected>(body) else { return ExchangeResponse::Unexpected { status } };
    let mut codes = codes_in(&rejected.error_description);
    if codes.is_empty() {
        codes = rejected.error_codes.iter().map(|code| format!("{CODE}{code}")).collect();
    }
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    let error = rejected.error.chars().filter(is_plain).take(ERROR_CHARACTERS).collect();
    ExchangeResponse::Rejected { error, codes }
}

/// The codes of Entra in a text, each once, in their order.
pub(crate) fn codes_in(text: &str) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    for rest in text.split(CODE).skip(1) {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).take(10).collect();
        let code = format!("{CODE}{digits}");
        if !digits.is_empty() && !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_entra_is_read_without_its_token_and_its_text() {
        assert_eq!(read(200, br#"{"token_type":"Bearer","access_token":"canary"}"#), ExchangeResponse::Accepted);
        let rejected = |codes: &[&str]| ExchangeResponse::Rejected {
            error: "invalid_client".to_owned(),
            codes: codes.iter().map(ToString::to_string).collect(),
        };
        let text = br#"{"error":"invalid_client","error_description":"AADSTS700213: No matching. AADSTS700213 canary","error_codes":[1]}"#;
        assert_eq!(read(401, text), rejected(&["AADSTS700213"]));
        assert_eq!(read(400, br#"{"error":"invalid_client","error_codes":[70021]}"#), rejected(&["AADSTS70021"]));
        assert_eq!(
            read(400, br#"{"error":"invalid_client\n\u001b[31m"}"#),
            ExchangeResponse::Rejected { error: "invalid_client31m".to_owned(), codes: Vec::new() }
        );
        for (status, body) in [(200, "{}"), (502, "<html>"), (302, "")] {
            assert_eq!(read(status, body.as_bytes()), ExchangeResponse::Unexpected { status });
        }
    }

    #[test]
    fn a_code_is_found_wherever_it_stands() {
        assert_eq!(codes_in("a AADSTS50027: b, AADSTS: c; AADSTS700016"), ["AADSTS50027", "AADSTS700016"]);
        assert_eq!(codes_in("nothing"), Vec::<String>::new());
    }
}
