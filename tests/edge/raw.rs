//! Bytes on a TLS connection, as a client writes them that knows no manners.

use super::{PATIENCE, within};
use apim_keyless::tls::{provider, trust};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a client speaks that trusts a CA, has no certificate, and offers these protocols (ALPN).
pub(super) fn config(authority_pem: &str, protocols: &[&str]) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trust(authority_pem).unwrap())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// A connection after its handshake.
pub(super) async fn shake(address: SocketAddr, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let server_name = ServerName::try_from("localhost").unwrap();
    within(PATIENCE, TlsConnector::from(Arc::new(config)).connect(server_name, stream)).await
}

/// The head of a POST with these further lines.
pub(super) fn head(target: &str, lines: &[&str]) -> String {
    let first = format!("POST {target} HTTP/1.1");
    [&[&*first, "host: localhost"], lines, &["\r\n"]].concat().join("\r\n")
}

/// Writes, and then reads until the other side ends the connection.
pub(super) async fn exchange(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> String {
    within(PATIENCE, stream.write_all(bytes)).await.unwrap();
    rest(stream).await
}

/// All that comes until the other side ends the connection, well or not.
pub(super) async fn rest(stream: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    // a connection that was cut ends with an error, and what came before counts
    _ = within(PATIENCE, stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

/// Writes a byte again and again until that is impossible, and gives what came meanwhile.
pub(super) async fn dribble(stream: TlsStream<TcpStream>, byte: &'static [u8]) -> String {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = tokio::spawn(async move {
        while writer.write_all(byte).await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut bytes = Vec::new();
    _ = within(PATIENCE, reader.read_to_end(&mut bytes)).await;
    writing.abort();
    String::from_utf8(bytes).unwrap()
}

/// It is answered that it may be tried again, on another connection.
pub(super) fn assert_shed(answer: &str, why: &str) {
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nretry-after: 1") && head.contains("\r\nconnection: close"), "{answer}");
    assert!(text.starts_with(why), "{answer}");
}

/// The value of a metric, named with its labels, in OpenMetrics text; 0 where it is not there.
pub(super) fn metric(text: &str, name: &str) -> u64 {
    let prefix = format!("apim_keyless_{name} ");
    text.lines().find_map(|line| line.strip_prefix(&prefix)).map_or(0, |value| value.parse().unwrap())
}
