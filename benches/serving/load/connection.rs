//! The client's side: HTTP/1.1 written by hand, because a client such as hyper's costs more CPU than the floors that it
//! measures.

use crate::child::NAME;
use apim_keyless::tls::{provider, root_store};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use std::io::{self, Error};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const BUFFER: usize = 16 * 1024;

/// Connects to one server.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: TlsConnector,
    address: SocketAddr,
}

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Connector {
    /// Connects with TLS 1.3 and a full handshake each time.
    pub(crate) fn to(address: SocketAddr, ca_pem: &str) -> Self {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(root_store(ca_pem).unwrap())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Self { tls: TlsConnector::from(Arc::new(config)), address }
    }

    /// Opens a new connection.
    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(NAME).map_err(Error::other)?;
        let stream = self.tls.connect(name, stream).await?;
        Ok(Connection { stream, buffer: Vec::with_capacity(BUFFER) })
    }
}

impl Connection {
    /// Sends a request, and reads the body of the response, which must be 200 with a `Content-Length`.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Error::other("the server closed the connection"));
            }
            if let Some(body) = body(&self.buffer)? {
                return Ok(self.buffer.split_at(body).1);
            }
        }
    }

    /// Closes the connection and waits until the server has closed it as well.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        self.stream.read_buf(&mut self.buffer).await.map(drop)
    }
}

/// The offset of the body if the response is complete.
fn body(response: &[u8]) -> io::Result<Option<usize>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = response.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let (head, rest) = response.split_at(end + END.len());
    if !head.starts_with(b"HTTP/1.1 200 ") {
        return Err(Error::other(format!("not 200: {}", String::from_utf8_lossy(response))));
    }
    let length = content_length(head).ok_or_else(|| Error::other("the response has no Content-Length"))?;
    Ok((rest.len() >= length).then_some(head.len()))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let line = head.split(|byte| *byte == b'\n').find(|line| line.starts_with(NAME))?;
    str::from_utf8(line).ok()?.get(NAME.len()..)?.trim_end().parse().ok()
}
