//! A stand-in of Entra's token endpoint that checks an assertion as Entra documents it: the app, its federated credentials
//! to the letter, the signature by the issuer's published keys, and the time.
//!
//! "Workload identity federation" and "Error codes" of the Entra documentation, and the texts of azure-workload-identity's
//! troubleshooting page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The access token that a correct assertion gets. No output may ever show it.
pub const ACCESS_TOKEN: &str = "canary-access-token";

/// What Entra knows.
#[derive(Default)]
pub struct Entra {
    /// The apps of each tenant, by client id.
    pub tenants: BTreeMap<String, BTreeMap<String, App>>,
    /// How far its clock is ahead of the cluster's.
    pub clock_ahead: Duration,
    /// The host that the tenants belong to.
    pub host: String,
    /// The assertions that it got. No output may ever show one.
    pub assertions: Vec<String>,
    /// An answer that it gives in place of its own.
    pub other_answer: Option<(u16, Value)>,
}

/// An app of a tenant.
#[derive(Clone, Default)]
pub struct App {
    /// Its federated credentials.
    pub credentials: Vec<Credential>,
    /// Whether it has no service principal.
    pub has_no_service_principal: bool,
}

/// A federated credential.
#[derive(Clone)]
pub struct Credential {
    /// The issuer.
    pub issuer: String,
    /// The subject.
    pub subject: String,
    /// The audience.
    pub audience: String,
}

/// What an assertion says.
struct Assertion {
    header: Value,
    payload: Value,
    signed: String,
    signature: Vec<u8>,
}

type Rejection = (u64, &'static str);

impl Entra {
    /// The answer to a request for a token. `keys` are the keys that the issuer publishes.
    pub(super) fn token(&mut self, host: &str, path: &str, body: &str, keys: Option<&Value>) -> (u16, Value) {
        let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        self.assertions.extend(form.get("client_assertion").cloned());
        if let Some(answer) = &self.other_answer {
            return answer.clone();
        }
        let Some(tenant) = path.strip_prefix('/').and_then(|path| path.strip_suffix("/oauth2/v2.0/token")) else {
            return (404, json!({}));
        };
        let expected = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
        if expected.iter().any(|(name, value)| form.get(*name).map(String::as_str) != Some(value)) {
            return rejected((900_144, "The request body is not as expected."));
        }
        match self.check(host, tenant, &form, keys) {
            Err(rejection) => rejected(rejection),
            Ok(()) => (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": ACCESS_TOKEN})),
        }
    }

    fn check(
        &self,
        host: &str,
        tenant: &str,
        form: &BTreeMap<String, String>,
        keys: Option<&Value>,
    ) -> Result<(), Rejection> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let apps = self.tenants.get(tenant).ok_or((90_002, "Tenant not found. Check the cloud."))?;
        if host != self.host {
            return Err((900_382, "Confidential Client is not supported in Cross Cloud request."));
        }
        let app = apps.get(field("client_id")).ok_or((700_016, "Application was not found in the directory."))?;
        if app.has_no_service_principal {
            return Err((7_000_229, "The client application is missing service principal in the tenant."));
        }
        if field("scope") != "https://azure-api.net/configuration/.default" {
            return Err((500_011, "The resource principal was not found in the tenant."));
        }
        let assertion =
            Assertion::of(field("client_assertion")).ok_or((50_027, "JWT token is invalid or malformed."))?;
        if app.credentials.is_empty() {
            return Err((70_025, "The client has no configured federated identity credentials."));
        }
        app.check_credential(&assertion)?;
        let keys = keys.ok_or((90_061, "Request to External OIDC endpoint failed."))?;
        if !assertion.is_signed_by(keys) {
            return Err((50_027, "JWT token is invalid or malformed: the signature."));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + self.clock_ahead;
        let time = |claim: &str| assertion.payload[claim].as_u64().unwrap();
        // Entra allows for clocks that differ by five minutes
        if now.as_secs() > time("exp") + 300 || now.as_secs() + 300 < time("nbf") {
            return Err((700_024, "Client assertion is not within its valid time range."));
        }
        Ok(())
    }
}

impl App {
    fn check_credential(&self, assertion: &Assertion) -> Result<(), Rejection> {
        let claim = |name: &str| assertion.payload[name].as_str().unwrap_or_default();
        let with_issuer: Vec<&Credential> =
            self.credentials.iter().filter(|credential| credential.issuer == claim("iss")).collect();
        if with_issuer.is_empty() {
            return Err((700_211, "No matching federated identity record found for presented assertion issuer."));
        }
        let subject = claim("sub");
        let Some(credential) = with_issuer.iter().find(|credential| credential.subject == subject) else {
            let is_case = with_issuer.iter().any(|credential| credential.subject.eq_ignore_ascii_case(subject));
            return Err(if is_case {
                (7_002_138, "No matching federated identity record found: the case of the subject differs.")
            } else {
                (700_213, "No matching federated identity record found for presented assertion subject.")
            });
        };
        let audiences = assertion.payload["aud"].as_array().unwrap();
        if audiences.iter().any(|audience| *audience == credential.audience.as_str()) {
            Ok(())
        } else {
            Err((700_212, "No matching federated identity record found for presented assertion audience."))
        }
    }
}

impl Assertion {
    fn of(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let json = |part: &str| serde_json::from_slice(&decoded(part)?).ok();
        let signature = decoded(signature)?;
        Some(Self { header: json(header)?, payload: json(payload)?, signed: signed.to_owned(), signature })
    }

    /// Entra accepts RS256 only. The control planes of the tests sign with ES256, so this accepts that, too.
    fn is_signed_by(&self, keys: &Value) -> bool {
        let key = keys["keys"].as_array().and_then(|keys| keys.iter().find(|key| key["kid"] == self.header["kid"]));
        let Some(key) = key else { return false };
        let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or_default()).unwrap();
        let (signed, signature) = (self.signed.as_bytes(), self.signature.as_slice());
        match (self.header["alg"].as_str(), key["kty"].as_str()) {
            (Some("RS256"), Some("RSA")) => {
                let key = RsaPublicKeyComponents { n: part("n"), e: part("e") };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            (Some("ES256"), Some("EC")) => {
                let point = [&[4], part("x").as_slice(), part("y").as_slice()].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

fn rejected((code, text): Rejection) -> (u16, Value) {
    let description = format!("AADSTS{code}: {text} Trace ID: canary-trace Correlation ID: canary Timestamp: now");
    (401, json!({"error": "invalid_client", "error_description": description, "error_codes": [code]}))
}
