//! Sends arbitrary bytes on a TLS connection.

use super::{TEST_TIMEOUT, within};
use apim_keyless::tls::{provider, root_store};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The TLS configuration of a client that trusts a CA, has no certificate, and offers these protocols (ALPN).
pub(super) fn config(ca_pem: &str, protocols: &[&str]) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(root_store(ca_pem).unwrap())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// Connects and completes the TLS handshake.
pub(super) async fn connect_tls(address: SocketAddr, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    handshake(TcpStream::connect(address).await?, config).await
}

/// A TCP connection from this address of the loopback network.
pub(super) async fn connect_from(source: [u8; 4], address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into())?;
    socket.connect(address).await
}

/// Completes the TLS handshake on a connection.
pub(super) async fn handshake(stream: TcpStream, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let server_name = ServerName::try_from("localhost").unwrap();
    within(TEST_TIMEOUT, TlsConnector::from(Arc::new(config)).connect(server_name, stream)).await
}

/// The header section of a POST with these additional lines.
pub(super) fn request_head(target: &str, lines: &[&str]) -> String {
    let first = format!("POST {target} HTTP/1.1");
    [&[&*first, "host: localhost"], lines, &["\r\n"]].concat().join("\r\n")
}

/// Writes, then reads until the server closes the connection.
pub(super) async fn exchange(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> String {
    within(TEST_TIMEOUT, stream.write_all(bytes)).await.unwrap();
    read_to_close(stream).await
}

/// Reads until the server closes the connection, with an error or without.
pub(super) async fn read_to_close(stream: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    // a reset connection ends with an error; the bytes before it count
    _ = within(TEST_TIMEOUT, stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

/// Writes a byte every 20 ms until writing fails. Returns what the server sent meanwhile.
pub(super) async fn write_slowly(stream: TlsStream<TcpStream>, byte: &'static [u8]) -> String {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = tokio::spawn(async move {
        while writer.write_all(byte).await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut bytes = Vec::new();
    _ = within(TEST_TIMEOUT, reader.read_to_end(&mut bytes)).await;
    writing.abort();
    String::from_utf8(bytes).unwrap()
}

/// Asserts that the response allows a retry on another connection, and that its text starts with `reason`.
pub(super) fn assert_503(response: &str, reason: &str) {
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    let (head, text) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nretry-after: 1") && head.contains("\r\nconnection: close"), "{response}");
    assert!(text.starts_with(reason), "{response}");
}

/// The value of a metric in OpenMetrics text, given by its name with labels; 0 if it does not exist.
pub(super) fn metric(text: &str, name: &str) -> u64 {
    let prefix = format!("apim_keyless_{name} ");
    text.lines().find_map(|line| line.strip_prefix(&prefix)).map_or(0, |value| value.parse().unwrap())
}
