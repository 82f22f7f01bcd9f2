//! Stand-ins for the servers outside of a cluster that a gateway needs: Entra, the issuer of the cluster's tokens, the
//! configuration endpoint, and the kubelet that serves logs.
//!
//! [`Azure`] is one HTTPS server for all these hosts and a proxy that leads to it, so the binary under test asks for the
//! real addresses.

mod entra;
mod https;
mod kubelet;
mod proxy;

pub use entra::{ACCESS_TOKEN, App, Credential, Entra};
pub use kubelet::Kubelet;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use https::HttpsServer;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Entra's host in the public cloud.
pub const ENTRA: &str = "login.microsoftonline.com";
/// Entra's host in Azure Government.
pub const ENTRA_US: &str = "login.microsoftonline.us";
/// The issuer of the tests' control planes.
pub const ISSUER: &str = "https://kubernetes.default.svc";
/// The host of that issuer.
const ISSUER_HOST: &str = "kubernetes.default.svc";
/// A configuration endpoint.
pub const ENDPOINT: &str = "contoso.configuration.azure-api.net";
/// A configuration endpoint in Azure Government.
pub const ENDPOINT_US: &str = "contoso.configuration.azure-api.us";

/// What the servers do.
pub struct AzureState {
    /// Entra.
    pub entra: Entra,
    /// The issuer that the public discovery document names; `None` if nothing is published.
    pub published_issuer: Option<String>,
    /// The published keys.
    pub published_keys: Value,
}

/// The servers, and the proxy that leads to them.
pub struct Azure {
    /// What they do. A test changes it between two runs.
    pub state: Arc<Mutex<AzureState>>,
    /// The CA that issued their certificate, in PEM.
    pub ca_pem: String,
    /// `host:port` of the server itself.
    pub address: String,
    proxy: proxy::ConnectProxy,
}

impl Azure {
    /// Starts the servers. `keys` are the keys of the API server (`/openid/v1/jwks`): the issuer publishes them, and Entra
    /// checks signatures by what is published.
    pub fn start(keys: Value) -> Self {
        let state =
            AzureState { entra: Entra::default(), published_issuer: Some(ISSUER.to_owned()), published_keys: keys };
        let state = Arc::new(Mutex::new(state));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let hosts = [ENTRA, ENTRA_US, ISSUER_HOST, ENDPOINT, ENDPOINT_US, "127.0.0.1"];
        let server = HttpsServer::start(router, &hosts);
        let proxy = proxy::ConnectProxy::start(server.address, &hosts);
        Self { state, ca_pem: server.ca_pem, address: server.address.to_string(), proxy }
    }

    /// The value of `HTTPS_PROXY` with which the real addresses lead to these servers.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.proxy.address)
    }

    /// Lets the proxy lead to the server of `host`, or not.
    pub fn set_reachable(&self, host: &str, is_reachable: bool) {
        self.proxy.set_reachable(host, is_reachable);
    }
}

/// Answers by host, as separate servers would.
async fn answer(State(state): State<Arc<Mutex<AzureState>>>, headers: HeaderMap, uri: Uri, body: String) -> Response {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let mut state = state.lock().unwrap();
    match (host, uri.path()) {
        (ISSUER_HOST, path) => published(&state, path),
        (ENDPOINT | ENDPOINT_US, _) => (StatusCode::UNAUTHORIZED, "no credentials").into_response(),
        (_, path) => {
            let AzureState { entra, published_issuer, published_keys } = &mut *state;
            let keys = published_issuer.is_some().then_some(&*published_keys);
            let (status, answer) = entra.token(host, path, &body, keys);
            (StatusCode::from_u16(status).unwrap(), answer.to_string()).into_response()
        }
    }
}

fn published(state: &AzureState, path: &str) -> Response {
    let document = match (path, &state.published_issuer) {
        ("/.well-known/openid-configuration", Some(issuer)) => {
            json!({"issuer": issuer, "jwks_uri": format!("{ISSUER}/openid/v1/jwks")})
        }
        ("/openid/v1/jwks", Some(_)) => state.published_keys.clone(),
        _ => return (StatusCode::NOT_FOUND, "nothing is published").into_response(),
    };
    document.to_string().into_response()
}
