//! The public documents of an issuer of tokens, as Entra reads them (`OpenID` Connect Discovery 1.0).

use crate::cluster::{OutsideResponse, OutsideServers, Unreachable};
use serde::Deserialize;

/// What an issuer publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuerDocuments {
    /// `issuer` of the discovery document.
    pub issuer: String,
    /// The ids of the published keys.
    pub key_ids: Vec<String>,
}

/// Why a document of an issuer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {reason}")]
pub struct IssuerError {
    /// The URL of the document.
    pub url: String,
    /// Cause and fix.
    pub reason: String,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    kid: String,
}

/// Reads the discovery document of an issuer and the keys that it names.
///
/// # Errors
/// One of both cannot be read from this machine, or is not what it should be.
pub async fn read_issuer(servers: &OutsideServers, issuer: &str) -> Result<IssuerDocuments, IssuerError> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let discovery: Discovery = document(&url, servers.get(&url).await)?;
    let keys: KeySet = document(&discovery.jwks_uri, servers.get(&discovery.jwks_uri).await)?;
    let key_ids = keys.keys.into_iter().map(|key| key.kid).collect();
    Ok(IssuerDocuments { issuer: discovery.issuer, key_ids })
}

fn document<T: for<'de> Deserialize<'de>>(
    url: &str,
    response: Result<OutsideResponse, Unreachable>,
) -> Result<T, IssuerError> {
    let failed = |reason: String| IssuerError { url: url.to_owned(), reason };
    let response = response.map_err(|error| failed(error.to_string()))?;
    if response.status != 200 {
        return Err(failed(format!("it answered {}; publish the document there for everybody", response.status)));
    }
    let is_other = |_| {
        failed(
            "it is not a JSON document of the expected form; publish the document of the cluster at this address"
                .to_owned(),
        )
    };
    serde_json::from_slice(&response.body).map_err(is_other)
}
