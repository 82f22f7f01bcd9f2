//! The API server itself: its version, its clock, and who it says that its tokens come from.

use crate::cluster::client::within_time;
use crate::cluster::{ReadError, Reading};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, Response, header};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use std::time::SystemTime;

/// What the API server tells of itself.
#[derive(Clone, Debug, Default)]
pub struct ApiServer {
    /// Its version.
    pub version: Info,
    /// Its clock, if it tells the time.
    pub clock: Option<Clock>,
}

/// The time by the API server's clock, between two moments of ours.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When it was asked, by our clock.
    pub asked: SystemTime,
    /// What its clock said, in whole seconds.
    pub told: SystemTime,
    /// When it had answered, by our clock.
    pub answered: SystemTime,
}

/// The part of a discovery document that counts here (`OpenID` Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

/// Version and clock.
///
/// # Errors
/// The API server refuses to tell (inside), or doesn't answer at all.
pub(super) async fn api_server(client: &Client) -> Result<Reading<ApiServer>, ReadError> {
    let asked = SystemTime::now();
    let read = async {
        let (headers, body) = ask(client, "/version").await?;
        let version = serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?;
        let date = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let clock = date.map(|told| Clock { asked, told, answered: SystemTime::now() });
        Ok(ApiServer { version, clock })
    };
    let unread = |error: &kube::Error| {
        ReadError::because("the version and the clock of the API server", "get on /version", error)
    };
    match within_time(read).await {
        Ok(server) => Ok(Ok(server)),
        Err(error @ kube::Error::Api(_)) => Ok(Err(unread(&error))),
        Err(error) => Err(unread(&error)),
    }
}

/// The issuer of the tokens of `ServiceAccount`s.
pub(super) async fn issuer(client: &Client) -> Reading<String> {
    let path = "/.well-known/openid-configuration";
    let read = async {
        let (_, body) = ask(client, path).await?;
        serde_json::from_slice::<Discovery>(&body).map_err(kube::Error::SerdeError)
    };
    let read = within_time(read).await.map(|discovery| discovery.issuer);
    read.map_err(|error| ReadError::because("the issuer of ServiceAccount tokens", &format!("get on {path}"), &error))
}

async fn ask(client: &Client, path: &str) -> kube::Result<(HeaderMap, Bytes)> {
    let request = Request::get(path).body(Body::empty()).map_err(kube::Error::HttpError)?;
    let response = client.send(request).await?;
    let (headers, status) = (response.headers().clone(), response.status());
    let body = body(response).await?;
    if status.is_success() { Ok((headers, body)) } else { Err(failure(status.as_u16(), status.canonical_reason())) }
}

/// The whole body of a response.
pub(super) async fn body(response: Response<Body>) -> kube::Result<Bytes> {
    Ok(response.into_body().collect().await?.to_bytes())
}

/// What stands for an answer that is no success and need not be a Status.
fn failure(code: u16, reason: Option<&str>) -> kube::Error {
    let mut status = kube::core::Status::failure("", reason.unwrap_or_default());
    status.code = code;
    kube::Error::Api(status.boxed())
}
