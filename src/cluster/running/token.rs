//! A token of a `ServiceAccount`, asked for by a `TokenRequest`: the only object that `verify` creates, and nothing is
//! stored for it.

use crate::cluster::client::with_timeout;
use crate::cluster::installation::send;
use crate::cluster::{Connection, ReadError, ReadResult};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::{Request, header};
use kube::client::Body;
use serde::Deserialize;
use serde_json::json;

/// The lifetime of the token in seconds: the shortest that an API server gives.
const SECONDS: u32 = 600;

/// A token of a `ServiceAccount`. It has neither `Debug` nor `Display`: no log and no report may show it.
pub struct ServiceAccountToken(String);

/// What a token says of itself (RFC 7519). None of it is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenClaims {
    /// `iss`: the issuer.
    pub issuer: String,
    /// `sub`: whose token it is.
    pub subject: String,
    /// `aud`: who accepts it.
    pub audiences: Vec<String>,
    /// `kid` of the header: which key signed it.
    pub key_id: String,
    /// `alg` of the header: how it is signed.
    pub algorithm: String,
}

/// The answer to a `TokenRequest`.
pub enum TokenResponse {
    /// The API server issued it.
    Token(ServiceAccountToken),
    /// The `ServiceAccount` does not exist.
    NoAccount,
}

#[derive(Deserialize)]
struct TokenRequestObject {
    status: TokenRequestStatus,
}

#[derive(Deserialize)]
struct TokenRequestStatus {
    token: String,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    alg: String,
}

#[derive(Deserialize)]
struct Payload {
    iss: String,
    sub: String,
    aud: Audiences,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl ServiceAccountToken {
    /// The token, for the request that exchanges it and nothing else.
    pub fn assertion(&self) -> &str {
        &self.0
    }

    /// What it says of itself; `None` if it is not a JWT. The signature is not checked: the API server itself sent it.
    pub fn claims(&self) -> Option<TokenClaims> {
        let mut parts = self.0.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let header: Header = serde_json::from_slice(&parts.next()??).ok()?;
        let payload: Payload = serde_json::from_slice(&parts.next()??).ok()?;
        let audiences = match payload.aud {
            Audiences::One(audience) => vec![audience],
            Audiences::Many(audiences) => audiences,
        };
        Some(TokenClaims {
            issuer: payload.iss,
            subject: payload.sub,
            audiences,
            key_id: header.kid,
            algorithm: header.alg,
        })
    }
}

/// Asks for a token of a `ServiceAccount` for `audience` that expires after ten minutes.
///
/// # Errors
/// The permission is missing, or the API server gives no token for another reason.
pub async fn request_token(
    connection: &Connection,
    namespace: &str,
    account: &str,
    audience: &str,
) -> ReadResult<TokenResponse> {
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"audiences": [audience], "expirationSeconds": SECONDS},
    });
    let call = async {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(request.to_string().into_bytes()))
            .map_err(kube::Error::HttpError)?;
        let (_, body) = send(&connection.client, request).await?;
        // the error of the parser could quote the token
        let parsed = serde_json::from_slice::<TokenRequestObject>(&body).map_err(|_| no_token())?;
        Ok(ServiceAccountToken(parsed.status.token))
    };
    match with_timeout(call).await {
        Ok(token) => Ok(TokenResponse::Token(token)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(TokenResponse::NoAccount),
        Err(error) => {
            let attempt = format!("ask for a token of ServiceAccount {account}");
            let permission = format!("create on serviceaccounts/token in namespace {namespace}");
            Err(ReadError::new(connection, &attempt, &permission, &error))
        }
    }
}

fn no_token() -> kube::Error {
    kube::Error::SerdeError(serde::de::Error::custom("no token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_of_a_token_are_read_and_nothing_else_is_one() {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({"alg": "RS256", "kid": "key"}));
        for audience in [json!("a"), json!(["a"])] {
            let payload = part(json!({"iss": "https://issuer.example/", "sub": "system", "aud": audience}));
            let claims = ServiceAccountToken(format!("{header}.{payload}.c2ln")).claims().unwrap();
            assert_eq!(claims.issuer, "https://issuer.example/");
            assert_eq!(
                (claims.audiences, claims.key_id, claims.algorithm),
                (vec!["a".into()], "key".into(), "RS256".into())
            );
        }
        for text in ["", "a.b.c", &format!("{header}.{header}.c2ln")] {
            assert_eq!(ServiceAccountToken(text.to_owned()).claims(), None);
        }
    }
}
