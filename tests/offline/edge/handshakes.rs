//! The limit of concurrent handshakes: a client that does not continue occupies none.

use super::raw::config;
use super::{SECOND, TEST_TIMEOUT, milliseconds, relaxed_limits, start, within};
use apim_keyless::server::Limits;
use hyper::StatusCode;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A complete `ClientHello`.
pub(super) fn client_hello(ca_pem: &str) -> Vec<u8> {
    let config = Arc::new(config(ca_pem, &["http/1.1"]));
    let mut connection = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn silent_clients_and_incomplete_client_hellos_occupy_no_handshake() {
    let server = start(Limits { handshakes: 1, ..relaxed_limits() }).await;
    let hello = client_hello(server.ca.certificate_pem());
    let mut slow = Vec::new();
    for index in 0..100 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        if index % 2 == 0 {
            stream.write_all(hello.split_at(hello.len() / 2).0).await.unwrap();
        }
        slow.push(stream);
    }
    let client = server.client("localhost");
    let posted = client.post("/echo", "text/plain", b"good".to_vec());
    let (status, body) = within(10 * SECOND, posted).await.unwrap();
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"good"[..]));
    assert_eq!(server.metric("timeouts_total{wait=\"handshake\"}"), 0);
}

#[tokio::test]
async fn a_handshake_beyond_the_limit_waits_until_another_times_out() {
    let server = start(Limits { handshakes: 1, handshake_timeout: 2 * SECOND, ..relaxed_limits() }).await;
    let mut stalled = TcpStream::connect(server.address).await.unwrap();
    stalled.write_all(&client_hello(server.ca.certificate_pem())).await.unwrap();
    // the response to the ClientHello shows that the handshake is in progress
    assert!(within(TEST_TIMEOUT, stalled.read(&mut [0; 64])).await.unwrap() > 0);
    tokio::time::sleep(milliseconds(500)).await;
    let client = server.client("localhost");
    let waiting = tokio::spawn(async move { client.post("/echo", "text/plain", b"second".to_vec()).await });
    tokio::time::sleep(milliseconds(500)).await;
    assert!(!waiting.is_finished());
    let (_, body) = within(TEST_TIMEOUT, waiting).await.unwrap().unwrap();
    assert_eq!(&body[..], b"second");
    assert_eq!(server.metric("timeouts_total{wait=\"handshake\"}"), 1);
}

#[tokio::test]
async fn a_connection_without_tls_is_closed_at_once_and_counted() {
    let server = start(relaxed_limits()).await;
    for garbage in [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", &[0; 64]] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        // the server may send a TLS alert and nothing else
        let mut response = Vec::new();
        _ = within(10 * SECOND, stream.read_to_end(&mut response)).await;
        assert!(response.is_empty() || response.first() == Some(&0x15), "{response:?}");
    }
    assert_eq!(server.metric("handshake_failures_total"), 3);
}

#[tokio::test]
async fn the_http_2_preface_inside_tls_is_rejected() {
    let server = start(relaxed_limits()).await;
    let mut stream = server.handshake(&[]).await.unwrap();
    let response = super::raw::exchange(&mut stream, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert_eq!(response, "");
    assert_eq!(server.pooled().await.get_text("/quick").await.0, "quick");
}
