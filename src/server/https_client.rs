//! The other end: a small HTTPS client for demonstrations and tests. One connection per call.

use crate::tls::{TlsError, provider, trust};
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

/// How long a call may take from connecting to the last byte of the answer: the longest that the API server waits for
/// a webhook.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The size in bytes of an answer's body that is still read.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;

/// Calls one server that a CA vouches for.
#[derive(Clone)]
pub struct HttpsClient {
    connector: TlsConnector,
    address: SocketAddr,
    server_name: ServerName<'static>,
}

/// A call that brought no answer, or a client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpsClientError {
    /// The CA's certificate cannot be used.
    #[error(transparent)]
    Authority(#[from] TlsError),
    /// TLS itself cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Configuration(rustls::Error),
    /// The name that the server is to prove.
    #[error("`{0}` is neither a DNS name nor an IP address; name the server as its certificate does")]
    ServerName(String),
    /// Nothing answers at the address.
    #[error("cannot connect to {address}: {cause}; is the server running?")]
    Connect {
        /// Where the server should be.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The server did not prove its name with a certificate of the CA.
    #[error("{address} is not trusted: {cause}")]
    Handshake {
        /// Where the server is.
        address: SocketAddr,
        /// What TLS said.
        cause: io::Error,
    },
    /// The request cannot be written down, for a path or content type that HTTP does not allow.
    #[error("the request is not valid HTTP: {0}")]
    Request(hyper::http::Error),
    /// The connection failed under way.
    #[error("the exchange failed: {0}")]
    Exchange(#[from] hyper::Error),
    /// The answer's body is too long or broke off.
    #[error("the answer's body cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// No complete answer in time.
    #[error("no complete answer within {} s", CALL_TIMEOUT.as_secs())]
    TimedOut,
}

impl HttpsClient {
    /// A client of the server at `address`, which has to prove `server_name` (DNS name or IP address) with a
    /// certificate of a CA in `authority_pem`.
    ///
    /// # Errors
    /// A CA or name that cannot be used.
    pub fn new(authority_pem: &str, address: SocketAddr, server_name: &str) -> Result<Self, HttpsClientError> {
        let roots = trust(authority_pem)?;
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

    /// Posts `body` to `path` (with its query) and reads the whole answer, up to 16 MiB and 30 s.
    ///
    /// # Errors
    /// No connection, no trust, or no complete answer. A status that tells of an error is an answer.
    pub async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), HttpsClientError> {
        let request = Request::post(path)
            .header(HOST, self.server_name.to_str().as_ref())
            .header(CONTENT_TYPE, content_type)
            // hyper leaves it out where the body is empty
            .header(CONTENT_LENGTH, body.len())
            .body(Full::from(body))
            .map_err(HttpsClientError::Request)?;
        tokio::time::timeout(CALL_TIMEOUT, self.call(request)).await.map_err(|_| HttpsClientError::TimedOut)?
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), HttpsClientError> {
        let stream = TokioIo::new(self.connect().await?);
        let (mut sender, connection) = http1::handshake(stream).await?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let read = read(answer).await;
            // With the last sender the connection ends, and so does the future beside this one.
            drop(sender);
            read
        };
        let (answer, _) = tokio::join!(exchange, connection);
        answer
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>, HttpsClientError> {
        let address = self.address;
        let stream = TcpStream::connect(address).await.map_err(|cause| HttpsClientError::Connect { address, cause })?;
        // head and body are written apart: without this the body waits for the head's acknowledgement
        _ = stream.set_nodelay(true);
        let server_name = self.server_name.clone();
        self.connector
            .connect(server_name, stream)
            .await
            .map_err(|cause| HttpsClientError::Handshake { address, cause })
    }
}

async fn read(answer: Response<Incoming>) -> Result<(StatusCode, Bytes), HttpsClientError> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_LIMIT).collect().await.map_err(HttpsClientError::Body)?;
    Ok((status, body.to_bytes()))
}
