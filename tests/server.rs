//! The listening side on real sockets: trust, time-outs, limits, and a drain that loses nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod edge;
mod run;

use apim_keyless::server::{
    Drain, Health, HttpsClient, HttpsClientError, Limits, Need, bind, health_router, serve_plain,
};
use apim_keyless::tls::Ca;
use edge::{SECOND, brief, milliseconds, patient, probe, start, start_with, within};
use http_body_util::Full;
use hyper::{Request, StatusCode};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Clients need no certificate.
fn anyone() -> Arc<dyn ClientCertVerifier> {
    WebPkiClientVerifier::no_client_auth()
}

#[tokio::test]
async fn a_client_of_our_authority_is_answered() {
    let edge = start(patient()).await;
    for name in ["localhost", "127.0.0.1"] {
        let (status, body) = edge.client(name).post("/echo", "text/plain", b"hello".to_vec()).await.unwrap();
        assert_eq!((status, &body[..]), (StatusCode::OK, &b"hello"[..]));
    }
    let (status, _) = edge.client("localhost").post("/nowhere", "text/plain", Vec::new()).await.unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_authority_and_another_name_are_refused() {
    let edge = start(patient()).await;
    let other = Ca::create(SystemTime::now()).unwrap();
    let client = HttpsClient::new(other.certificate_pem(), edge.address, "localhost").unwrap();
    for client in [client, edge.client("other.example"), edge.client("127.0.0.2")] {
        let error = client.post("/echo", "text/plain", Vec::new()).await.unwrap_err();
        assert!(matches!(error, HttpsClientError::Handshake { .. }), "{error}");
    }
}

#[tokio::test]
async fn only_http_1_is_spoken() {
    let edge = start(patient()).await;
    let stream = edge.offer(&["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    edge.offer(&["h2"]).await.unwrap_err();
    let silent = edge.offer(&[]).await.unwrap();
    assert_eq!(silent.get_ref().1.alpn_protocol(), None);
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_is_let_go() {
    let edge = start(Limits { handshake_timeout: milliseconds(200), ..patient() }).await;
    let begun = Instant::now();
    let mut silent = TcpStream::connect(edge.address).await.unwrap();
    let mut partial = TcpStream::connect(edge.address).await.unwrap();
    partial.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    for stream in [&mut silent, &mut partial] {
        let read = within(2 * SECOND, stream.read(&mut [0; 64])).await;
        assert!(matches!(read, Ok(0) | Err(_)));
        assert!(begun.elapsed() >= milliseconds(190));
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_handshake_timeout_but_not_its_own() {
    let limits = Limits { handshake_timeout: milliseconds(300), keep_alive_idle: 2 * SECOND, ..patient() };
    let edge = start(limits).await;
    let mut connection = edge.pooled().await;
    assert_eq!(connection.answer("/quick").await, ("quick".to_owned(), false));
    tokio::time::sleep(3 * limits.handshake_timeout).await;
    assert_eq!(connection.answer("/quick").await, ("quick".to_owned(), false));
    tokio::time::sleep(3 * SECOND).await;
    assert!(connection.sender.is_closed());
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let edge = start(patient()).await;
    let mut connection = edge.pooled().await;
    let large = Request::get("/quick").header("large", "x".repeat(17 * 1024)).body(Full::default()).unwrap();
    let response = connection.sender.send_request(large).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);

    let mut connection = edge.pooled().await;
    let many = (0..65).fold(Request::get("/quick"), |request, index| request.header(format!("x-{index}"), "x"));
    let response = connection.sender.send_request(many.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let edge = start(Limits { connections: 1, ..patient() }).await;
    let mut first = edge.pooled().await;
    first.answer("/quick").await;
    let client = edge.client("localhost");
    let waiting = tokio::spawn(async move { client.post("/echo", "text/plain", b"second".to_vec()).await });
    tokio::time::sleep(milliseconds(300)).await;
    assert!(!waiting.is_finished());
    drop(first);
    let (_, body) = within(2 * SECOND, waiting).await.unwrap().unwrap();
    assert_eq!(&body[..], b"second");
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let edge = start(patient()).await;
    let mut other = edge.pooled().await;
    other.answer("/quick").await;
    edge.pooled().await.ask("/panic").await.unwrap_err();
    assert_eq!(edge.metric("panics_total"), 1);
    assert_eq!(other.answer("/quick").await, ("quick".to_owned(), false));
}

#[tokio::test]
async fn garbage_in_place_of_http_ends_its_own_connection_only() {
    let edge = start(patient()).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    stream.write_all(b"\x00\x01garbage\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    within(2 * SECOND, stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "));
    assert_eq!(edge.pooled().await.answer("/quick").await.0, "quick");
}

#[tokio::test]
async fn a_drain_answers_what_is_under_way_and_what_still_comes() {
    let edge = start(patient()).await;
    let (mut busy, mut idle, mut later) = (edge.pooled().await, edge.pooled().await, edge.pooled().await);
    for connection in [&mut busy, &mut idle, &mut later] {
        assert_eq!(connection.answer("/quick").await, ("quick".to_owned(), false));
    }
    let under_way = tokio::spawn(async move { busy.answer("/slow").await });
    tokio::time::sleep(milliseconds(100)).await;
    edge.shutdown.notify_one();
    tokio::time::sleep(milliseconds(50)).await;

    let mut in_the_lag = edge.pooled().await;
    assert_eq!(in_the_lag.answer("/quick").await, ("quick".to_owned(), true));
    assert_eq!(idle.answer("/quick").await, ("quick".to_owned(), true));
    assert_eq!(under_way.await.unwrap(), ("slow".to_owned(), true));

    tokio::time::sleep(milliseconds(400)).await;
    TcpStream::connect(edge.address).await.unwrap_err();
    assert_eq!(later.answer("/quick").await, ("quick".to_owned(), true));
    within(SECOND, edge.ended).await.unwrap();
}

#[tokio::test]
async fn a_drain_under_load_loses_nothing() {
    let edge = start_with(patient(), Drain { lag: SECOND, ..brief() }, anyone()).await;
    let callers: Vec<_> = (0..8).map(|_| tokio::spawn(call_until_told(edge.client("localhost")))).collect();
    tokio::time::sleep(milliseconds(300)).await;
    edge.shutdown.notify_one();
    for caller in callers {
        assert!(caller.await.unwrap() > 3);
    }
    within(3 * SECOND, edge.ended).await.unwrap();
}

/// New connections for 900 ms, 300 ms of which lie before the shutdown and all of the rest in the lag.
async fn call_until_told(client: HttpsClient) -> usize {
    let begun = Instant::now();
    let mut answered = 0;
    while begun.elapsed() < milliseconds(900) {
        let (status, _) = client.post("/echo", "text/plain", vec![b'x'; 13_500]).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        answered += 1;
    }
    answered
}

#[tokio::test]
async fn a_standalone_server_waits_for_answers_but_not_for_idle_connections() {
    let edge = start_with(patient(), Drain::standalone(), anyone()).await;
    let (mut busy, mut idle, mut unused) = (edge.pooled().await, edge.pooled().await, edge.pooled().await);
    idle.answer("/quick").await;
    let under_way = tokio::spawn(async move { busy.answer("/slow").await });
    tokio::time::sleep(milliseconds(100)).await;
    edge.shutdown.notify_one();
    within(2 * SECOND, edge.ended).await.unwrap();
    assert_eq!(under_way.await.unwrap(), ("slow".to_owned(), true));
    for connection in [&mut idle, &mut unused] {
        connection.ask("/quick").await.unwrap_err();
    }
}

#[tokio::test]
async fn what_never_ends_is_cut() {
    let edge = start_with(patient(), Drain { timeout: milliseconds(300), ..Drain::standalone() }, anyone()).await;
    let mut connection = edge.pooled().await;
    let stuck = tokio::spawn(async move { connection.ask("/stuck").await.map(drop) });
    tokio::time::sleep(milliseconds(100)).await;
    edge.shutdown.notify_one();
    within(2 * SECOND, edge.ended).await.unwrap();
    within(SECOND, stuck).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn probes_and_scrapers_are_answered_in_plain() {
    let listener = bind(([127, 0, 0, 1], 0).into(), "health", "--health-listen").await.unwrap();
    let address = listener.local_addr().unwrap();
    let health = Arc::new(Health::new());
    let router = health_router(Arc::clone(&health), || "# EOF\n".to_owned());
    let shutdown = Arc::new(Notify::new());
    let ended = tokio::spawn(serve_plain(listener, router, Arc::clone(&shutdown).notified_owned()));

    assert_eq!(probe(address, "/livez").await, (StatusCode::OK, "ok".to_owned(), String::new()));
    let readiness = async || probe(address, "/readyz").await;
    assert_eq!(readiness().await.1, "not ready: starting");
    health.has(Need::Start);
    assert_eq!(readiness().await.0, StatusCode::OK);
    health.drain();
    assert_eq!(readiness().await.0, StatusCode::SERVICE_UNAVAILABLE);
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8".to_owned();
    assert_eq!(probe(address, "/metrics").await, (StatusCode::OK, "# EOF\n".to_owned(), open_metrics));

    shutdown.notify_one();
    within(2 * SECOND, ended).await.unwrap();
}
