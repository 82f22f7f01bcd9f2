//! Too much, and too much at once, is answered; never is a socket closed on it.

use super::raw::{assert_shed, exchange, head, rest};
use super::{Edge, PATIENCE, Pooled, milliseconds, patient, start, within};
use apim_keyless::server::{Limits, Need};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

async fn connect(edge: &Edge) -> TlsStream<TcpStream> {
    edge.offer(&["http/1.1"]).await.unwrap()
}

/// Is done when the server says so many.
async fn until(edge: &Edge, metric: &str, value: u64) {
    within(PATIENCE, async {
        while edge.metric(metric) != value {
            tokio::time::sleep(milliseconds(10)).await;
        }
    })
    .await;
}

fn post(body: &str) -> String {
    head("/echo", &[&format!("content-length: {}", body.len()), "connection: close"]) + body
}

/// A request whose body is on its way: its head was read.
async fn half_a_body(edge: &Edge, length: usize) -> TlsStream<TcpStream> {
    let mut stream = connect(edge).await;
    let request = head("/echo", &[&format!("content-length: {length}"), "connection: close", "expect: 100-continue"]);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    within(PATIENCE, tokio::io::AsyncReadExt::read_exact(&mut stream, &mut told)).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn a_review_beyond_those_allowed_at_once_is_shed_and_the_next_is_answered() {
    let edge = start(Limits { reviews: 1, ..patient() }).await;
    let mut busy: Pooled = edge.pooled().await;
    let under_way = tokio::spawn(async move { busy.answer("/slow").await });
    let mut shed = String::new();
    // until the other one is there, all are answered
    within(PATIENCE, async {
        while !shed.starts_with("HTTP/1.1 503 ") {
            shed = exchange(&mut connect(&edge).await, post("a").as_bytes()).await;
        }
    })
    .await;
    assert_shed(&shed, "too many reviews at once");
    assert_eq!(edge.metric("rejected_requests_total{reason=\"too-many-reviews\"}"), 1);
    assert_eq!(under_way.await.unwrap(), ("slow".to_owned(), false));
    assert!(exchange(&mut connect(&edge).await, post("again").as_bytes()).await.ends_with("\r\n\r\nagain"));
}

#[tokio::test]
async fn a_body_on_its_way_is_no_review_yet() {
    let edge = start(Limits { reviews: 1, ..patient() }).await;
    let mut slow = half_a_body(&edge, 4).await;
    assert!(exchange(&mut connect(&edge).await, post("other").as_bytes()).await.ends_with("\r\n\r\nother"));
    assert!(exchange(&mut slow, b"slow").await.ends_with("\r\n\r\nslow"));
}

#[tokio::test]
async fn bodies_that_are_too_long_together_are_shed_before_they_are_read() {
    let edge = start(Limits { body_bytes: 1000, bodies_bytes: 1000, ..patient() }).await;
    let mut first = half_a_body(&edge, 600).await;
    let (long, fits) = (post(&"x".repeat(401)), post(&"x".repeat(400)));
    assert_shed(&exchange(&mut connect(&edge).await, long.as_bytes()).await, "too many bodies at once");
    assert_eq!(edge.metric("rejected_requests_total{reason=\"too-many-bytes\"}"), 1);
    assert!(exchange(&mut connect(&edge).await, fits.as_bytes()).await.starts_with("HTTP/1.1 200 "));
    assert!(exchange(&mut first, "x".repeat(600).as_bytes()).await.starts_with("HTTP/1.1 200 "));
    // what was taken is given back, also by a client that goes away
    drop(half_a_body(&edge, 1000).await);
    until(&edge, "open_connections", 0).await;
    assert!(exchange(&mut connect(&edge).await, long.as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_that_is_too_long_is_answered_even_if_its_client_reads_nothing_before_it_has_written_all() {
    let edge = start(Limits { body_bytes: 1000, ..patient() }).await;
    let mut stream = connect(&edge).await;
    let body = post(&"x".repeat(6 * 1024 * 1024));
    within(PATIENCE, stream.write_all(body.as_bytes())).await.unwrap();
    tokio::time::sleep(milliseconds(200)).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\r\nconnection: close"), "{answer}");
    assert_eq!(edge.metric("rejected_requests_total{reason=\"long-body\"}"), 1);
    let most = post(&"x".repeat(1000));
    assert!(exchange(&mut connect(&edge).await, most.as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn no_length_is_too_big_to_be_refused() {
    let edge = start(patient()).await;
    for (length, expected) in [
        ("16777217", "HTTP/1.1 413 Payload Too Large"),
        ("4294967297", "HTTP/1.1 413 Payload Too Large"),
        // beyond what hyper counts
        ("18446744073709551616", "HTTP/1.1 400 Bad Request"),
    ] {
        let request = head("/echo", &[&format!("content-length: {length}")]);
        let mut stream = connect(&edge).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        // the answer does not wait for the body
        assert_eq!(within(PATIENCE, first_line(&mut stream)).await, expected, "{length}");
    }
}

async fn first_line(stream: &mut TlsStream<TcpStream>) -> String {
    use tokio::io::AsyncBufReadExt;
    let mut line = String::new();
    tokio::io::BufReader::new(stream).read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

#[tokio::test]
async fn a_body_whose_length_is_not_said_is_refused() {
    let edge = start(patient()).await;
    let chunked = head("/echo", &["transfer-encoding: chunked"]) + "5\r\nhello\r\n0\r\n\r\n";
    let both = head("/echo", &["content-length: 5", "transfer-encoding: chunked"]) + "5\r\nhello\r\n0\r\n\r\n";
    let nothing = head("/echo", &[]);
    for request in [chunked, both, nothing] {
        let answer = exchange(&mut connect(&edge).await, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 411 ") && answer.contains("\r\nconnection: close"), "{request}{answer}");
    }
    assert_eq!(edge.metric("rejected_requests_total{reason=\"no-content-length\"}"), 3);
    assert!(exchange(&mut connect(&edge).await, post("").as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_server_that_is_not_ready_says_so_and_answers_once_it_is() {
    let edge = start(patient()).await;
    let mut pooled = edge.pooled().await;
    assert_eq!(pooled.answer("/quick").await, ("quick".to_owned(), false));
    edge.health.lacks(Need::Start, "starting again");
    assert_eq!(pooled.answer("/quick").await, ("not ready; try again\n".to_owned(), true));
    assert_shed(&exchange(&mut connect(&edge).await, post("a").as_bytes()).await, "not ready");
    assert_eq!(edge.metric("rejected_requests_total{reason=\"not-ready\"}"), 2);
    edge.health.has(Need::Start);
    assert!(exchange(&mut connect(&edge).await, post("a").as_bytes()).await.ends_with("\r\n\r\na"));
    // who drains is not ready, but answers
    edge.health.drain();
    assert!(exchange(&mut connect(&edge).await, post("b").as_bytes()).await.ends_with("\r\n\r\nb"));
}

/// Whether a long judgement may end.
static MAY_END: AtomicBool = AtomicBool::new(false);

/// Keeps its thread, as a long judgement does, until it may end.
pub(super) fn busy() -> &'static str {
    for _ in 0..200 {
        if MAY_END.load(Ordering::Relaxed) {
            return "ended when it was told to";
        }
        std::thread::sleep(milliseconds(50));
    }
    "was never told to end"
}

// one thread serves and calls: whoever keeps it keeps it from all
#[tokio::test(flavor = "current_thread")]
async fn a_long_judgement_keeps_no_other_client_waiting() {
    let edge = start(patient()).await;
    let mut other = edge.pooled().await;
    let client = edge.client("localhost");
    let long = tokio::spawn(async move { client.post("/busy", "text/plain", vec![b'x'; 64 * 1024]).await });
    tokio::time::sleep(milliseconds(300)).await;
    assert!(!long.is_finished());
    assert_eq!(other.answer("/quick").await, ("quick".to_owned(), false));
    MAY_END.store(true, Ordering::Relaxed);
    assert_eq!(&within(PATIENCE, long).await.unwrap().unwrap().1[..], b"ended when it was told to");
}

#[tokio::test]
async fn a_panic_over_a_long_body_ends_its_own_connection_only() {
    let edge = start(patient()).await;
    let mut other = edge.pooled().await;
    assert_eq!(other.answer("/quick").await.0, "quick");
    edge.client("localhost").post("/panic", "text/plain", vec![b'x'; 64 * 1024]).await.unwrap_err();
    assert_eq!(other.answer("/quick").await, ("quick".to_owned(), false));
    until(&edge, "panics_total", 1).await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let edge = start(patient()).await;
    let one = |body: &str| head("/echo", &[&format!("content-length: {}", body.len())]) + body;
    let requests = one("first") + &one("second") + &post("third");
    let answers = exchange(&mut connect(&edge).await, requests.as_bytes()).await;
    let bodies: Vec<&str> =
        answers.split("HTTP/1.1 200 OK\r\n").filter_map(|it| Some(it.split_once("\r\n\r\n")?.1)).collect();
    assert_eq!(bodies, ["first", "second", "third"]);
}
