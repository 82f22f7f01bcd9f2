//! Timeouts end the connections of slow clients and no others.

use super::raw::{assert_503, exchange, read_to_close, request_head, write_slowly};
use super::{TEST_TIMEOUT, milliseconds, relaxed_limits, start, within};
use apim_keyless::server::Limits;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GET: &[u8] = b"GET /quick HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Limits with short timeouts for header sections and bodies.
fn short_timeouts() -> Limits {
    let short = milliseconds(400);
    Limits { keep_alive_idle: TEST_TIMEOUT, header_timeout: short, body_timeout: short, ..relaxed_limits() }
}

#[tokio::test]
async fn an_incomplete_header_section_times_out() {
    let server = start(short_timeouts()).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    let start_time = Instant::now();
    assert_eq!(exchange(&mut stream, b"GET /quick HTTP/1.1\r\nhos").await, "");
    assert!(start_time.elapsed() >= milliseconds(390));
    assert_eq!(server.metric("timeouts_total{wait=\"header\"}"), 1);
}

#[tokio::test]
async fn a_header_section_that_never_ends_times_out_although_bytes_arrive() {
    let server = start(short_timeouts()).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    stream.write_all(b"GET /quick HTTP/1.1\r\nslow: ").await.unwrap();
    assert_eq!(write_slowly(stream, b"x").await, "");
    assert_eq!(server.metric("timeouts_total{wait=\"header\"}"), 1);
}

#[tokio::test]
async fn an_incomplete_header_section_after_a_response_times_out() {
    let server = start(short_timeouts()).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let mut response = [0; 512];
    assert!(within(TEST_TIMEOUT, stream.read(&mut response)).await.unwrap() > 0);
    assert_eq!(exchange(&mut stream, b"GET /qui").await, "");
    assert_eq!(server.metric("timeouts_total{wait=\"header\"}"), 1);
}

#[tokio::test]
async fn the_header_timeout_does_not_affect_idle_connections() {
    let server = start(short_timeouts()).await;
    let mut connection = server.pooled().await;
    for _ in 0..3 {
        tokio::time::sleep(milliseconds(600)).await;
        assert_eq!(connection.get_text("/quick").await, ("quick".to_owned(), false));
    }
    assert_eq!(server.metric("timeouts_total{wait=\"header\"}"), 0);
}

#[tokio::test]
async fn a_response_may_take_longer_than_the_header_and_body_timeouts() {
    let server = start(short_timeouts()).await;
    assert_eq!(server.pooled().await.get_text("/slow").await, ("slow".to_owned(), false));
}

#[tokio::test]
async fn an_incomplete_body_gets_503_after_its_timeout() {
    let server = start(short_timeouts()).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    let request = request_head("/echo", &["content-length: 10"]) + "half";
    assert_503(&exchange(&mut stream, request.as_bytes()).await, "the request body arrived too slowly");
    assert_eq!(server.metric("timeouts_total{wait=\"body\"}"), 1);
    assert_eq!(server.metric("rejected_requests_total{reason=\"slow-body\"}"), 1);
}

#[tokio::test]
async fn a_slowly_sent_body_gets_503_after_its_timeout() {
    let server = start(short_timeouts()).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    stream.write_all(request_head("/echo", &["content-length: 100000"]).as_bytes()).await.unwrap();
    assert_503(&write_slowly(stream, b"x").await, "the request body arrived too slowly");
}

#[tokio::test]
async fn the_timeout_of_the_request_limits_the_wait_for_its_body() {
    let server = start(Limits { body_timeout: TEST_TIMEOUT, ..short_timeouts() }).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    let request = request_head("/echo?timeout=1s", &["content-length: 10"]) + "half";
    assert_503(&exchange(&mut stream, request.as_bytes()).await, "the request body arrived too slowly");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_times_out() {
    let server = start(Limits { response_timeout: milliseconds(400), ..relaxed_limits() }).await;
    let mut stream = server.handshake(&["http/1.1"]).await.unwrap();
    // longer than the socket buffers of both sides
    stream.write_all(b"GET /long HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    within(TEST_TIMEOUT, async {
        while server.metric("timeouts_total{wait=\"response\"}") == 0 {
            tokio::time::sleep(milliseconds(20)).await;
        }
    })
    .await;
    assert!(read_to_close(&mut stream).await.len() < 8 * 1024 * 1024);
    assert_eq!(server.metric("open_connections"), 0);
}
