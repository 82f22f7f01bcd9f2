//! The API server: its version, its clock and the issuer of its tokens.

use crate::cluster::client::with_timeout;
use crate::cluster::{ReadError, ReadResult};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, Response, header};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::Client;
use kube::client::Body;
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

/// Reads version and clock. The inner error is a response with an error status.
///
/// # Errors
/// There is no response.
pub(super) async fn api_server(client: &Client) -> Result<ReadResult<ApiServer>, ReadError> {
    let sent = SystemTime::now();
    let read = async {
        let (headers, body) = get(client, "/version").await?;
        let version = serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?;
        let date = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let clock = date.map(|server_time| Clock { sent, server_time, received: SystemTime::now() });
        Ok(ApiServer { version, clock })
    };
    let read_error = |error: &kube::Error| {
        ReadError::new("read the version and the clock of the API server", "get on /version", error)
    };
    match with_timeout(read).await {
        Ok(server) => Ok(Ok(server)),
        Err(error @ kube::Error::Api(_)) => Ok(Err(read_error(&error))),
        Err(error) => Err(read_error(&error)),
    }
}

/// Reads the issuer of `ServiceAccount` tokens.
pub(super) async fn issuer(client: &Client) -> ReadResult<String> {
    let path = "/.well-known/openid-configuration";
    let read = async {
        let (_, body) = get(client, path).await?;
        serde_json::from_slice::<Discovery>(&body).map_err(kube::Error::SerdeError)
    };
    let issuer = with_timeout(read).await.map(|discovery| discovery.issuer);
    issuer
        .map_err(|error| ReadError::new("read the issuer of ServiceAccount tokens", &format!("get on {path}"), &error))
}

async fn get(client: &Client, path: &str) -> kube::Result<(HeaderMap, Bytes)> {
    let request = Request::get(path).body(Body::empty()).map_err(kube::Error::HttpError)?;
    let response = client.send(request).await?;
    let (headers, status) = (response.headers().clone(), response.status());
    let body = body(response).await?;
    if status.is_success() {
        Ok((headers, body))
    } else {
        Err(status_error(status.as_u16(), status.canonical_reason()))
    }
}

/// The whole body of a response.
pub(super) async fn body(response: Response<Body>) -> kube::Result<Bytes> {
    Ok(response.into_body().collect().await?.to_bytes())
}

/// The error for a response with an error status whose body need not be a `Status`.
fn status_error(code: u16, reason: Option<&str>) -> kube::Error {
    let mut status = kube::core::Status::failure("", reason.unwrap_or_default());
    status.code = code;
    kube::Error::Api(status.boxed())
}
