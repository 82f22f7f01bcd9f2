//! The server on real sockets: certificates, timeouts, limits, and a drain that loses no request.

use crate::edge::{SECOND, milliseconds, probe, relaxed_limits, short_drain, start, start_with, within};
use apim_keyless::server::{
    Condition, Drain, Health, HttpsClient, HttpsClientError, Limits, bind, health_router, serve_plain,
};
use apim_keyless::tls::Ca;
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
fn any_client() -> Arc<dyn ClientCertVerifier> {
    WebPkiClientVerifier::no_client_auth()
}

#[tokio::test]
async fn a_client_that_trusts_the_ca_is_answered() {
    let server = start(relaxed_limits()).await;
    for name in ["localhost", "127.0.0.1"] {
        let (status, body) = server.client(name).post("/echo", "text/plain", b"hello".to_vec()).await.unwrap();
        assert_eq!((status, &body[..]), (StatusCode::OK, &b"hello"[..]));
    }
    let (status, _) = server.client("localhost").post("/nowhere", "text/plain", Vec::new()).await.unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_client_rejects_another_ca_and_another_name() {
    let server = start(relaxed_limits()).await;
    let other = Ca::create(SystemTime::now()).unwrap();
    let client = HttpsClient::new(other.certificate_pem(), server.address, "localhost").unwrap();
    for client in [client, server.client("other.example"), server.client("127.0.0.2")] {
        let error = client.post("/echo", "text/plain", Vec::new()).await.unwrap_err();
        assert!(matches!(error, HttpsClientError::Handshake { .. }), "{error}");
    }
}

#[tokio::test]
async fn only_http_1_is_offered() {
    let server = start(relaxed_limits()).await;
    let stream = server.handshake(&["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    server.handshake(&["h2"]).await.unwrap_err();
    let silent = server.handshake(&[]).await.unwrap();
    assert_eq!(silent.get_ref().1.alpn_protocol(), None);
}

#[tokio::test]
async fn a_connection_without_handshake_is_closed() {
    let server = start(Limits { handshake_timeout: milliseconds(200), ..relaxed_limits() }).await;
    let start_time = Instant::now();
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut partial = TcpStream::connect(server.address).await.unwrap();
    partial.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    for stream in [&mut silent, &mut partial] {
        let read = within(2 * SECOND, stream.read(&mut [0; 64])).await;
        assert!(matches!(read, Ok(0) | Err(_)));
        assert!(start_time.elapsed() >= milliseconds(190));
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_by_the_idle_timeout_only() {
    let limits = Limits { handshake_timeout: milliseconds(300), keep_alive_idle: 2 * SECOND, ..relaxed_limits() };
    let server = start(limits).await;
    let mut connection = server.pooled().await;
    assert_eq!(connection.get_text("/quick").await, ("quick".to_owned(), false));
    tokio::time::sleep(3 * limits.handshake_timeout).await;
    assert_eq!(connection.get_text("/quick").await, ("quick".to_owned(), false));
    tokio::time::sleep(3 * SECOND).await;
    assert!(connection.sender.is_closed());
}

#[tokio::test]
async fn a_header_section_that_is_too_large_gets_431() {
    let server = start(relaxed_limits()).await;
    let mut connection = server.pooled().await;
    let large = Request::get("/quick").header("large", "x".repeat(17 * 1024)).body(Full::default()).unwrap();
    let response = connection.sender.send_request(large).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);

    let mut connection = server.pooled().await;
    let many = (0..65).fold(Request::get("/quick"), |request, index| request.header(format!("x-{index}"), "x"));
    let response = connection.sender.send_request(many.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let server = start(Limits { connections: 1, ..relaxed_limits() }).await;
    let mut first = server.pooled().await;
    first.get_text("/quick").await;
    let client = server.client("localhost");
    let waiting = tokio::spawn(async move { client.post("/echo", "text/plain", b"second".to_vec()).await });
    tokio::time::sleep(milliseconds(300)).await;
    assert!(!waiting.is_finished());
    drop(first);
    let (_, body) = within(2 * SECOND, waiting).await.unwrap().unwrap();
    assert_eq!(&body[..], b"second");
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let server = start(relaxed_limits()).await;
    let mut other = server.pooled().await;
    other.get_text("/quick").await;
    server.pooled().await.get("/panic").await.unwrap_err();
    assert_eq!(server.metric("panics_total"), 1);
    assert_eq!(other.get_text("/quick").await, ("quick".to_owned(), false));
}

#[tokio::test]
async fn a_request_that_is_not_http_ends_its_own_connection_only() {
    let server = start(relaxed_limits()).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    stream.write_all(b"\x00\x01garbage\r\n\r\n").await.unwrap();
    let mut response = Vec::new();
    within(2 * SECOND, stream.read_to_end(&mut response)).await.unwrap();
    assert!(response.starts_with(b"HTTP/1.1 400 "));
    assert_eq!(server.pooled().await.get_text("/quick").await.0, "quick");
}

#[tokio::test]
async fn a_drain_answers_requests_in_flight_and_new_ones() {
    let server = start(relaxed_limits()).await;
    let (mut busy, mut idle, mut later) = (server.pooled().await, server.pooled().await, server.pooled().await);
    for connection in [&mut busy, &mut idle, &mut later] {
        assert_eq!(connection.get_text("/quick").await, ("quick".to_owned(), false));
    }
    let in_flight = tokio::spawn(async move { busy.get_text("/slow").await });
    tokio::time::sleep(milliseconds(100)).await;
    server.shutdown.notify_one();
    tokio::time::sleep(milliseconds(50)).await;

    let mut in_the_lag = server.pooled().await;
    assert_eq!(in_the_lag.get_text("/quick").await, ("quick".to_owned(), true));
    assert_eq!(idle.get_text("/quick").await, ("quick".to_owned(), true));
    assert_eq!(in_flight.await.unwrap(), ("slow".to_owned(), true));

    tokio::time::sleep(milliseconds(400)).await;
    TcpStream::connect(server.address).await.unwrap_err();
    assert_eq!(later.get_text("/quick").await, ("quick".to_owned(), true));
    within(SECOND, server.ended).await.unwrap();
}

#[tokio::test]
async fn a_drain_under_load_loses_no_request() {
    let server = start_with(relaxed_limits(), Drain { lag: SECOND, ..short_drain() }, any_client()).await;
    let callers: Vec<_> = (0..8).map(|_| tokio::spawn(call_during_drain(server.client("localhost")))).collect();
    tokio::time::sleep(milliseconds(300)).await;
    server.shutdown.notify_one();
    for caller in callers {
        assert!(caller.await.unwrap() > 3);
    }
    within(3 * SECOND, server.ended).await.unwrap();
}

/// Calls on new connections for 900 ms: 300 ms before the shutdown and the rest during the lag. Returns the number of
/// calls.
async fn call_during_drain(client: HttpsClient) -> usize {
    let start_time = Instant::now();
    let mut answered = 0;
    while start_time.elapsed() < milliseconds(900) {
        let (status, _) = client.post("/echo", "text/plain", vec![b'x'; 13_500]).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        answered += 1;
    }
    answered
}

#[tokio::test]
async fn a_standalone_server_waits_for_requests_in_flight_but_not_for_idle_connections() {
    let server = start_with(relaxed_limits(), Drain::standalone(), any_client()).await;
    let (mut busy, mut idle, mut unused) = (server.pooled().await, server.pooled().await, server.pooled().await);
    idle.get_text("/quick").await;
    let in_flight = tokio::spawn(async move { busy.get_text("/slow").await });
    tokio::time::sleep(milliseconds(100)).await;
    server.shutdown.notify_one();
    within(2 * SECOND, server.ended).await.unwrap();
    assert_eq!(in_flight.await.unwrap(), ("slow".to_owned(), true));
    for connection in [&mut idle, &mut unused] {
        connection.get("/quick").await.unwrap_err();
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut() {
    let server =
        start_with(relaxed_limits(), Drain { timeout: milliseconds(300), ..Drain::standalone() }, any_client()).await;
    let mut connection = server.pooled().await;
    let stuck = tokio::spawn(async move { connection.get("/stuck").await.map(drop) });
    tokio::time::sleep(milliseconds(100)).await;
    server.shutdown.notify_one();
    within(2 * SECOND, server.ended).await.unwrap();
    within(SECOND, stuck).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn the_health_port_serves_probes_and_metrics_over_plain_http() {
    let listener = bind(([127, 0, 0, 1], 0).into(), "health", "--health-listen").await.unwrap();
    let address = listener.local_addr().unwrap();
    let health = Arc::new(Health::new());
    let router = health_router(Arc::clone(&health), || "# EOF\n".to_owned());
    let shutdown = Arc::new(Notify::new());
    let ended = tokio::spawn(serve_plain(listener, router, Arc::clone(&shutdown).notified_owned()));

    assert_eq!(probe(address, "/livez").await, (StatusCode::OK, "ok".to_owned(), String::new()));
    let readiness = async || probe(address, "/readyz").await;
    assert_eq!(readiness().await.1, "not ready: starting");
    health.set_met(Condition::Start);
    assert_eq!(readiness().await.0, StatusCode::OK);
    health.drain();
    assert_eq!(readiness().await.0, StatusCode::SERVICE_UNAVAILABLE);
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8".to_owned();
    assert_eq!(probe(address, "/metrics").await, (StatusCode::OK, "# EOF\n".to_owned(), open_metrics));

    shutdown.notify_one();
    within(2 * SECOND, ended).await.unwrap();
}
