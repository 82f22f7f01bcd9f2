//! Handshakes are few at once, and whoever does not go on with one keeps none.

use super::raw::config;
use super::{PATIENCE, SECOND, milliseconds, patient, start, within};
use apim_keyless::server::Limits;
use hyper::StatusCode;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A whole `ClientHello`.
fn client_hello(authority_pem: &str) -> Vec<u8> {
    let config = Arc::new(config(authority_pem, &["http/1.1"]));
    let mut connection = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn silence_and_half_a_client_hello_keep_nobody_from_shaking_hands() {
    let edge = start(Limits { handshakes: 1, ..patient() }).await;
    let hello = client_hello(edge.authority.certificate_pem());
    let mut slow = Vec::new();
    for index in 0..100 {
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        if index % 2 == 0 {
            stream.write_all(hello.split_at(hello.len() / 2).0).await.unwrap();
        }
        slow.push(stream);
    }
    let client = edge.client("localhost");
    let posted = client.post("/echo", "text/plain", b"good".to_vec());
    let (status, body) = within(10 * SECOND, posted).await.unwrap();
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"good"[..]));
    assert_eq!(edge.metric("timeouts_total{wait=\"handshake\"}"), 0);
}

#[tokio::test]
async fn a_handshake_beyond_those_allowed_at_once_waits_until_one_is_let_go() {
    let edge = start(Limits { handshakes: 1, handshake_timeout: 2 * SECOND, ..patient() }).await;
    let mut stalled = TcpStream::connect(edge.address).await.unwrap();
    stalled.write_all(&client_hello(edge.authority.certificate_pem())).await.unwrap();
    // the answer to the hello shows that the handshake is under way
    assert!(within(PATIENCE, stalled.read(&mut [0; 64])).await.unwrap() > 0);
    tokio::time::sleep(milliseconds(500)).await;
    let client = edge.client("localhost");
    let waiting = tokio::spawn(async move { client.post("/echo", "text/plain", b"second".to_vec()).await });
    tokio::time::sleep(milliseconds(500)).await;
    assert!(!waiting.is_finished());
    let (_, body) = within(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(&body[..], b"second");
    assert_eq!(edge.metric("timeouts_total{wait=\"handshake\"}"), 1);
}

#[tokio::test]
async fn what_is_no_tls_is_let_go_at_once_and_counted() {
    let edge = start(patient()).await;
    for garbage in [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", &[0; 64]] {
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        // it may be told why, and that is all
        let mut answer = Vec::new();
        _ = within(10 * SECOND, stream.read_to_end(&mut answer)).await;
        assert!(answer.is_empty() || answer.first() == Some(&0x15), "{answer:?}");
    }
    assert_eq!(edge.metric("handshake_failures_total"), 3);
}

#[tokio::test]
async fn the_preface_of_http_2_inside_tls_is_refused() {
    let edge = start(patient()).await;
    let mut stream = edge.offer(&[]).await.unwrap();
    let answer = super::raw::exchange(&mut stream, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert_eq!(answer, "");
    assert_eq!(edge.pooled().await.answer("/quick").await.0, "quick");
}
