//! A dry run: a write that runs admission and stores nothing.

use super::api_server::body;
use crate::cluster::client::with_timeout_of;
use crate::cluster::{Connection, ReadError, ReadResult};
use hyper::{Request, header};
use kube::client::Body;
use serde_json::Value;
use std::time::Duration;

/// Longer than all webhooks together: the API server calls mutating webhooks one after the other.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The API server's response to a dry run.
#[derive(Clone, Debug)]
pub struct DryRunResponse {
    /// The HTTP status.
    pub status: u16,
    /// The object as it would be stored, or a `Status`.
    pub body: Value,
    /// The texts of the `Warning` headers.
    pub warnings: Vec<String>,
}

/// Creates a Deployment in a namespace with `dryRun=All`: all admission runs, and nothing is stored.
///
/// # Errors
/// The API server is not reachable or does not answer in time. A denial is a response, not an error.
pub async fn dry_run_create(
    connection: &Connection,
    namespace: &str,
    deployment: &Value,
) -> ReadResult<DryRunResponse> {
    let call = async {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All");
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(deployment.to_string().into_bytes())).map_err(kube::Error::HttpError)?;
        let response = connection.client.send(request).await?;
        let status = response.status().as_u16();
        let warnings = response.headers().get_all(header::WARNING).iter();
        let warnings = warnings.filter_map(|value| warning_text(value.to_str().ok()?)).collect();
        let body = body(response).await?;
        Ok(DryRunResponse { status, body: serde_json::from_slice(&body).unwrap_or_default(), warnings })
    };
    let (attempt, permission) =
        ("check whether the webhook is called", format!("create on deployments in namespace {namespace}"));
    let response = with_timeout_of(TIMEOUT, call).await;
    response.map_err(|error| ReadError::new(connection, attempt, &permission, &error))
}

/// The text of a `Warning` header like `299 - "text"` (RFC 9111, section 5.5, and RFC 7234 before it).
fn warning_text(header: &str) -> Option<String> {
    let (_, text) = header.split_once('"')?;
    Some(text.strip_suffix('"')?.replace("\\\"", "\"").replace("\\\\", "\\"))
}
