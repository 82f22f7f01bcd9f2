//! A small HTTPS client for `serve --examples` and tests. It opens one connection per call.

use crate::tls::{TlsError, provider, root_store};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a call may take, from connecting to the last byte of the response. The API server waits at most this long
/// for a webhook.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Limit of a response body, in bytes.
const RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// Calls one server, which must have a certificate of a given CA.
#[derive(Clone)]
pub struct HttpsClient {
    connector: TlsConnector,
    address: SocketAddr,
    server_name: ServerName<'static>,
}

/// Why a client cannot be created, or why a call got no complete response.
#[derive(Debug, thiserror::Error)]
pub enum HttpsClientError {
    /// The certificate of the CA cannot be used.
    #[error(transparent)]
    Ca(#[from] TlsError),
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Configuration(rustls::Error),
    /// `server_name` is not a name that a certificate can have.
    #[error("use a name from the server's certificate: `{0}` is neither a DNS name nor an IP address")]
    ServerName(String),
    /// No connection to the address.
    #[error("cannot connect to {address}: {cause}; is the server running?")]
    Connect {
        /// The address of the server.
        address: SocketAddr,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The server has no certificate of the CA for its name, or TLS failed for another reason.
    #[error("TLS handshake with {address} failed: {cause}")]
    Handshake {
        /// The address of the server.
        address: SocketAddr,
        /// The error of TLS.
        cause: io::Error,
    },
    /// HTTP does not allow the path or the content type.
    #[error("the request is not valid HTTP: {0}")]
    Request(hyper::http::Error),
    /// The connection failed during the call.
    #[error("the connection failed during the call: {0}")]
    Exchange(#[from] hyper::Error),
    /// The response body is too long or incomplete.
    #[error("cannot read the response body: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// No complete response within 30 s.
    #[error("no complete response within {} s", CALL_TIMEOUT.as_secs())]
    TimedOut,
}

impl HttpsClient {
    /// A client of the server at `address`. The server must have a certificate for `server_name` (a DNS name or an IP
    /// address) that a CA in `ca_pem` has issued.
    ///
    /// # Errors
    /// `ca_pem` or `server_name` cannot be used.
    pub fn new(ca_pem: &str, address: SocketAddr, server_name: &str) -> Result<Self, HttpsClientError> {
        let roots = root_store(ca_pem)?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(HttpsClientError::Configuration)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let server_name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| HttpsClientError::ServerName(server_name.to_owned()))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), address, server_name })
    }

    /// Posts `body` to `path` (with its query) and reads the whole response: at most 16 MiB, within 30 s.
    ///
    /// # Errors
    /// No connection, an untrusted certificate, or no complete response. Every HTTP status is a success here.
    pub async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), HttpsClientError> {
        let request = Request::post(path)
            .header(HOST, self.server_name.to_str().as_ref())
            .header(CONTENT_TYPE, content_type)
            // hyper leaves it out if the body is empty
            .header(CONTENT_LENGTH, body.len())
            .body(Full::from(body))
            .map_err(HttpsClientError::Request)?;
        tokio::time::timeout(CALL_TIMEOUT, self.call(request)).await.map_err(|_| HttpsClientError::TimedOut)?
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), HttpsClientError> {
        let stream = TokioIo::new(self.connect().await?);
        let (mut sender, connection) = http1::handshake(stream).await?;
        let exchange = async {
            let response = sender.send_request(request).await?;
            let read = read(response).await;
            // dropping the last sender ends the connection, which completes `connection` below
            drop(sender);
            read
        };
        let (result, _) = tokio::join!(exchange, connection);
        result
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>, HttpsClientError> {
        let address = self.address;
        let stream = TcpStream::connect(address).await.map_err(|cause| HttpsClientError::Connect { address, cause })?;
        // header section and body are two writes: without this the body waits for the first acknowledgement
        _ = stream.set_nodelay(true);
        let server_name = self.server_name.clone();
        self.connector
            .connect(server_name, stream)
            .await
            .map_err(|cause| HttpsClientError::Handshake { address, cause })
    }
}

async fn read(response: Response<Incoming>) -> Result<(StatusCode, Bytes), HttpsClientError> {
    let status = response.status();
    let body = Limited::new(response.into_body(), RESPONSE_BYTES).collect().await.map_err(HttpsClientError::Body)?;
    Ok((status, body.to_bytes()))
}
