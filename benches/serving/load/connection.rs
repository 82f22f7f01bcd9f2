//! The client's end: HTTP/1.1 by hand, since a client like hyper's costs more than the floors that it is to measure.

use crate::child::NAME;
use apim_keyless::tls::{provider, trust};
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
    /// By TLS 1.3, with a whole handshake each time.
    pub(crate) fn to(address: SocketAddr, authority_pem: &str) -> Self {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(trust(authority_pem).unwrap())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Self { tls: TlsConnector::from(Arc::new(config)), address }
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(NAME).map_err(Error::other)?;
        let stream = self.tls.connect(name, stream).await?;
        Ok(Connection { stream, buffer: Vec::with_capacity(BUFFER) })
    }
}

impl Connection {
    /// Sends a request, and reads the body of its answer, which must be 200 and say how long it is.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Error::other("the server closes the connection"));
            }
            if let Some(body) = body(&self.buffer)? {
                return Ok(self.buffer.split_at(body).1);
            }
        }
    }

    /// Closes it and waits until the server has done so, too.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        self.stream.read_buf(&mut self.buffer).await.map(drop)
    }
}

/// Where the body of a whole answer begins.
fn body(answer: &[u8]) -> io::Result<Option<usize>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let (head, rest) = answer.split_at(end + END.len());
    if !head.starts_with(b"HTTP/1.1 200 ") {
        return Err(Error::other(format!("not 200: {}", String::from_utf8_lossy(answer))));
    }
    let length = content_length(head).ok_or_else(|| Error::other("an answer without a length"))?;
    Ok((rest.len() >= length).then_some(head.len()))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let line = head.split(|byte| *byte == b'\n').find(|line| line.starts_with(NAME))?;
    str::from_utf8(line).ok()?.get(NAME.len()..)?.trim_end().parse().ok()
}
