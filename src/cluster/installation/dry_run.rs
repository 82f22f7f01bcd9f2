//! A write that stores nothing, to see what the API server makes of it.

use super::api_server::body;
use crate::cluster::client::within;
use crate::cluster::{ReadError, Reading};
use hyper::{Request, header};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use std::time::Duration;

/// Longer than webhooks may take: mutating ones are called one after the other.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the API server says of a write.
#[derive(Clone, Debug)]
pub struct DryRunResponse {
    /// HTTP status.
    pub status: u16,
    /// The object as it would be stored, or a Status.
    pub body: Value,
    /// The texts of the `Warning` headers.
    pub warnings: Vec<String>,
}

/// Would create a Deployment in a namespace: with `dryRun=All` all admission runs, and nothing is stored.
///
/// # Errors
/// The API server was not reached, or doesn't answer in time. What it refuses is an answer.
pub async fn create_dry(client: &Client, namespace: &str, deployment: &Value) -> Reading<DryRunResponse> {
    let call = async {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All");
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(deployment.to_string().into_bytes())).map_err(kube::Error::HttpError)?;
        let response = client.send(request).await?;
        let status = response.status().as_u16();
        let warnings = response.headers().get_all(header::WARNING).iter();
        let warnings = warnings.filter_map(|value| text_of(value.to_str().ok()?)).collect();
        let body = body(response).await?;
        Ok(DryRunResponse { status, body: serde_json::from_slice(&body).unwrap_or_default(), warnings })
    };
    let right = format!("create on deployments in namespace {namespace}");
    within(TIMEOUT, call).await.map_err(|error| ReadError::because("whether the webhook is called", &right, &error))
}

/// The text of a header like `299 - "text"` (RFC 9111, section 5.5, and RFC 7234 before it).
fn text_of(header: &str) -> Option<String> {
    let (_, text) = header.split_once('"')?;
    Some(text.strip_suffix('"')?.replace("\\\"", "\"").replace("\\\\", "\\"))
}
