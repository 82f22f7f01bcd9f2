//! Slow clients are let go when their time is over, and only they are.

use super::raw::{assert_shed, dribble, exchange, head, rest};
use super::{PATIENCE, milliseconds, patient, start, within};
use apim_keyless::server::Limits;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GET: &[u8] = b"GET /quick HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Limits under which the time for headers and bodies is over soon.
fn hasty() -> Limits {
    let soon = milliseconds(400);
    Limits { keep_alive_idle: PATIENCE, header_timeout: soon, body_timeout: soon, ..patient() }
}

#[tokio::test]
async fn half_a_header_section_is_let_go_when_its_time_is_over() {
    let edge = start(hasty()).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    let begun = Instant::now();
    assert_eq!(exchange(&mut stream, b"GET /quick HTTP/1.1\r\nhos").await, "");
    assert!(begun.elapsed() >= milliseconds(390));
    assert_eq!(edge.metric("timeouts_total{wait=\"header\"}"), 1);
}

#[tokio::test]
async fn a_header_section_that_never_ends_is_let_go_although_bytes_keep_coming() {
    let edge = start(hasty()).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    stream.write_all(b"GET /quick HTTP/1.1\r\nslow: ").await.unwrap();
    assert_eq!(dribble(stream, b"x").await, "");
    assert_eq!(edge.metric("timeouts_total{wait=\"header\"}"), 1);
}

#[tokio::test]
async fn half_a_header_section_after_an_answer_is_let_go_as_well() {
    let edge = start(hasty()).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let mut answer = [0; 512];
    assert!(within(PATIENCE, stream.read(&mut answer)).await.unwrap() > 0);
    assert_eq!(exchange(&mut stream, b"GET /qui").await, "");
    assert_eq!(edge.metric("timeouts_total{wait=\"header\"}"), 1);
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_headers_before_its_first_request_and_after() {
    let edge = start(hasty()).await;
    let mut connection = edge.pooled().await;
    for _ in 0..3 {
        tokio::time::sleep(milliseconds(600)).await;
        assert_eq!(connection.answer("/quick").await, ("quick".to_owned(), false));
    }
    assert_eq!(edge.metric("timeouts_total{wait=\"header\"}"), 0);
}

#[tokio::test]
async fn an_answer_may_take_longer_than_headers_and_bodies() {
    let edge = start(hasty()).await;
    assert_eq!(edge.pooled().await.answer("/slow").await, ("slow".to_owned(), false));
}

#[tokio::test]
async fn half_a_body_is_answered_when_its_time_is_over() {
    let edge = start(hasty()).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    let request = head("/echo", &["content-length: 10"]) + "half";
    assert_shed(&exchange(&mut stream, request.as_bytes()).await, "the body came too slowly");
    assert_eq!(edge.metric("timeouts_total{wait=\"body\"}"), 1);
    assert_eq!(edge.metric("rejected_requests_total{reason=\"slow-body\"}"), 1);
}

#[tokio::test]
async fn a_body_that_dribbles_is_answered_when_its_time_is_over() {
    let edge = start(hasty()).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    stream.write_all(head("/echo", &["content-length: 100000"]).as_bytes()).await.unwrap();
    assert_shed(&dribble(stream, b"x").await, "the body came too slowly");
}

#[tokio::test]
async fn a_body_is_waited_for_no_longer_than_the_request_says() {
    let edge = start(Limits { body_timeout: PATIENCE, ..hasty() }).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    let request = head("/echo?timeout=1s", &["content-length: 10"]) + "half";
    assert_shed(&exchange(&mut stream, request.as_bytes()).await, "the body came too slowly");
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_let_go() {
    let edge = start(Limits { answer_timeout: milliseconds(400), ..patient() }).await;
    let mut stream = edge.offer(&["http/1.1"]).await.unwrap();
    // longer than what the sockets of both sides hold
    stream.write_all(b"GET /long HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    within(PATIENCE, async {
        while edge.metric("timeouts_total{wait=\"answer\"}") == 0 {
            tokio::time::sleep(milliseconds(20)).await;
        }
    })
    .await;
    assert!(rest(&mut stream).await.len() < 8 * 1024 * 1024);
    assert_eq!(edge.metric("open_connections"), 0);
}
