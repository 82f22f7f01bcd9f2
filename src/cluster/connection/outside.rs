//! HTTPS to servers outside of the cluster, with the same client, proxies and causes of failures as the API server's.

use super::{address, transport};
use crate::cluster::client::{CONNECT_TIMEOUT, with_timeout_of};
use crate::tls::{TlsError, ca_certificates};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::{Request, Uri, header};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use kube::client::Body;
use kube::{Client, Config};
use std::time::Duration;

/// The longest time for a call, from connecting to the last byte.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// Most bytes of a response.
const RESPONSE_BYTES: usize = 1024 * 1024;

/// A client of servers outside of the cluster. It follows no redirect and sends no credentials.
pub struct OutsideServers {
    roots: Option<Vec<Vec<u8>>>,
}

/// The response of a server, whatever its status.
pub struct OutsideResponse {
    /// The HTTP status.
    pub status: u16,
    /// At most 1 MiB.
    pub body: Bytes,
}

/// Why a server gave no complete response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}; {fix}")]
pub struct Unreachable {
    /// What is wrong, for a sentence about the server.
    pub cause: String,
    /// What to do.
    pub fix: String,
}

impl Unreachable {
    fn new(cause: &str, fix: &str) -> Self {
        Self { cause: cause.to_owned(), fix: fix.to_owned() }
    }
}

impl OutsideServers {
    /// A client that trusts the CAs in `ca_pem` and no others; without it, those of this machine.
    ///
    /// # Errors
    /// The text holds no certificate.
    pub fn trusting(ca_pem: Option<&str>) -> Result<Self, TlsError> {
        Ok(Self { roots: ca_pem.map(ca_certificates).transpose()? })
    }

    /// Gets a URL.
    ///
    /// # Errors
    /// The URL is not one of HTTPS, or there is no complete response within 20 s.
    pub async fn get(&self, url: &str) -> Result<OutsideResponse, Unreachable> {
        self.send(url, |request| request.body(Body::empty())).await
    }

    /// Posts a body of type `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// Like [`Self::get`].
    pub async fn post_form(&self, url: &str, form: String) -> Result<OutsideResponse, Unreachable> {
        let with_form = |request: hyper::http::request::Builder| {
            request
                .method("POST")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form.into_bytes()))
        };
        self.send(url, with_form).await
    }

    async fn send(
        &self,
        url: &str,
        complete: impl FnOnce(hyper::http::request::Builder) -> hyper::http::Result<Request<Body>>,
    ) -> Result<OutsideResponse, Unreachable> {
        let uri = address::check(url).ok().filter(|uri| uri.scheme_str() == Some("https"));
        let uri = uri.ok_or_else(not_https)?;
        let proxy = Matcher::from_env().intercept(&uri).filter(|_| !address::is_local(&uri));
        let client = self.client(&uri, proxy.as_ref())?;
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let proxy = proxy.map(|proxy| address::display(proxy.uri()));
        let request = complete(Request::builder().uri(path)).map_err(|_| not_https())?;
        let call = async {
            let response = client.send(request).await?;
            let status = response.status().as_u16();
            let body =
                Limited::new(response.into_body(), RESPONSE_BYTES).collect().await.map_err(kube::Error::Service)?;
            Ok(OutsideResponse { status, body: body.to_bytes() })
        };
        with_timeout_of(CALL_TIMEOUT, call).await.map_err(|error| {
            let (cause, fix) = transport::explain_outside(&error, proxy.as_deref());
            Unreachable { cause, fix }
        })
    }

    fn client(&self, url: &Uri, proxy: Option<&Intercept>) -> Result<Client, Unreachable> {
        let authority = url.authority().map(Authority::as_str).unwrap_or_default();
        let server = Uri::builder().scheme("https").authority(authority).path_and_query("/").build();
        let mut config = Config::new(server.map_err(|_| not_https())?);
        config.root_cert.clone_from(&self.roots);
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(CALL_TIMEOUT);
        config.default_retry = false;
        config.proxy_url = proxy.map(with_user);
        Client::try_from(config).map_err(|error| match error {
            kube::Error::ProxyProtocolUnsupported { .. } => Unreachable::new(
                "the proxy has a scheme that is not supported",
                "write http:// or https:// in HTTPS_PROXY",
            ),
            _ => Unreachable::new("this machine has no trusted CAs (TLS)", "name a file with them: --ca FILE"),
        })
    }
}

fn not_https() -> Unreachable {
    Unreachable::new("it is not an https:// URL with a host", "correct the address")
}

/// The address of a proxy with its user and password, as kube's client takes it.
fn with_user(proxy: &Intercept) -> Uri {
    let address = proxy.uri().clone();
    let basic = proxy.basic_auth().and_then(|header| header.to_str().ok()?.strip_prefix("Basic "));
    let user = basic.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let raw = || proxy.raw_auth().map(|(user, password)| format!("{user}:{password}"));
    let Some(user) = user.or_else(raw) else { return address };
    // a space is the only character that a form encodes otherwise than a URL
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let (name, password) = user.split_once(':').unwrap_or((&user, ""));
    let user = format!("{}:{}", encoded(name), encoded(password));
    let scheme = address.scheme_str().unwrap_or("http");
    let authority = address.authority().map(Authority::as_str).unwrap_or_default();
    format!("{scheme}://{user}@{authority}").parse().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_a_proxy_is_kept_as_a_url_has_it() {
        let url = Uri::from_static("https://login.microsoftonline.com");
        for (variable, expected) in [
            ("http://proxy.example:3128", "http://proxy.example:3128/"),
            ("http://user:p%40s%20s@proxy.example:3128", "http://user:p%40s%20s@proxy.example:3128/"),
            ("http://user@proxy.example", "http://user:@proxy.example/"),
        ] {
            let proxy = Matcher::builder().https(variable).build().intercept(&url).unwrap();
            assert_eq!(with_user(&proxy).to_string(), expected);
        }
    }

    #[tokio::test]
    async fn only_https_is_spoken() {
        let servers = OutsideServers::trusting(None).unwrap();
        for url in ["http://a.example", "a.example", "https://", "https:///a", "file:///etc/passwd", ""] {
            let error = servers.get(url).await.err().unwrap();
            assert_eq!(error.cause, "it is not an https:// URL with a host", "{url}");
        }
    }
}
