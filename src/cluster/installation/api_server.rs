//! The API server: its version, its clock and the issuer of its tokens.

use crate::cluster::client::with_timeout;
use crate::cluster::{Connection, ReadError, ReadResult};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, Response, StatusCode, header};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde::Deserialize;
use std::time::SystemTime;

/// What the API server reports about itself.
#[derive(Clone, Debug, Default)]
pub struct ApiServer {
    /// Its version.
    pub version: Info,
    /// Its clock, if the response has a `Date` header.
    pub clock: Option<Clock>,
}

/// The API server's clock, compared with ours.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When the request was sent, by our clock.
    pub sent: SystemTime,
    /// The API server's time, in whole seconds.
    pub server_time: SystemTime,
    /// When the response was there, by our clock.
    pub received: SystemTime,
}

/// The field of the discovery document that is read (`OpenID` Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

/// Reads version and clock. The inner error is a missing permission.
///
/// # Errors
/// There is no response, the credentials are rejected, or it is not the response of an API server.
pub(in crate::cluster) async fn api_server(connection: &Connection) -> Result<ReadResult<ApiServer>, ReadError> {
    let sent = SystemTime::now();
    let read = async {
        let (headers, body) = get(&connection.client, "/version").await?;
        let version: Info = serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?;
        if version.git_version.is_empty() {
            return Err(kube::Error::SerdeError(serde::de::Error::missing_field("gitVersion")));
        }
        let date = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let clock = date.map(|server_time| Clock { sent, server_time, received: SystemTime::now() });
        Ok(ApiServer { version, clock })
    };
    let read_error = |error: &kube::Error| {
        ReadError::new(connection, "read the version and the clock of the API server", "get on /version", error)
    };
    match with_timeout(read).await {
        Ok(server) => Ok(Ok(server)),
        Err(kube::Error::Api(status)) if status.reason == FORBIDDEN => Ok(Err(read_error(&kube::Error::Api(status)))),
        Err(error) => Err(read_error(&error)),
    }
}

/// Reads the issuer of `ServiceAccount` tokens from the discovery document.
///
/// # Errors
/// There is no response, or the permission to read the document is missing.
pub async fn issuer(connection: &Connection) -> ReadResult<String> {
    let path = "/.well-known/openid-configuration";
    let read = async {
        let (_, body) = get(&connection.client, path).await?;
        serde_json::from_slice::<Discovery>(&body).map_err(kube::Error::SerdeError)
    };
    let (attempt, permission) = ("read the issuer of ServiceAccount tokens", format!("get on {path}"));
    let issuer = with_timeout(read).await.map(|discovery| discovery.issuer);
    issuer.map_err(|error| ReadError::new(connection, attempt, &permission, &error))
}

async fn get(client: &Client, path: &str) -> kube::Result<(HeaderMap, Bytes)> {
    send(client, Request::get(path).body(Body::empty()).map_err(kube::Error::HttpError)?).await
}

/// Headers and body of a successful response. Neither is logged, whatever it holds.
pub(in crate::cluster) async fn send(client: &Client, request: Request<Body>) -> kube::Result<(HeaderMap, Bytes)> {
    let response = client.send(request).await?;
    let (headers, status) = (response.headers().clone(), response.status());
    let body = body(response).await?;
    if status.is_success() { Ok((headers, body)) } else { Err(status_error(status, &body)) }
}

/// The whole body of a response.
pub(super) async fn body(response: Response<Body>) -> kube::Result<Bytes> {
    Ok(response.into_body().collect().await?.to_bytes())
}

/// The reason of a `Status` for a missing permission.
const FORBIDDEN: &str = "Forbidden";

/// The error for a response with an error status. If its body is no `Status`, its reason is one that no API server gives.
fn status_error(code: StatusCode, body: &[u8]) -> kube::Error {
    let status = serde_json::from_slice::<Status>(body).ok().filter(|status| !status.reason.is_empty());
    let mut status = status.unwrap_or_else(|| Status::failure(&String::from_utf8_lossy(body), "NotAnApiServer"));
    status.code = code.as_u16();
    kube::Error::Api(status.boxed())
}
