//! Requests beyond the limits get a response; the server does not just close the connection.

use super::raw::{assert_503, exchange, read_to_close, request_head};
use super::{PooledConnection, TEST_TIMEOUT, TestServer, milliseconds, probe, relaxed_limits, start, within};
use apim_keyless::server::{Condition, Limits, bind, health_router, serve_plain};
use hyper::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

async fn connect(server: &TestServer) -> TlsStream<TcpStream> {
    server.handshake(&["http/1.1"]).await.unwrap()
}

/// Waits until a metric has this value.
async fn wait_for_metric(server: &TestServer, metric: &str, value: u64) {
    within(TEST_TIMEOUT, async {
        while server.metric(metric) != value {
            tokio::time::sleep(milliseconds(10)).await;
        }
    })
    .await;
}

pub(super) fn post(body: &str) -> String {
    request_head("/echo", &[&format!("content-length: {}", body.len()), "connection: close"]) + body
}

/// Sends the header section of a request with a body of this length; the server waits for the body now.
async fn send_head(server: &TestServer, length: usize) -> TlsStream<TcpStream> {
    let mut stream = connect(server).await;
    let request =
        request_head("/echo", &[&format!("content-length: {length}"), "connection: close", "expect: 100-continue"]);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = [0; 25];
    within(TEST_TIMEOUT, tokio::io::AsyncReadExt::read_exact(&mut stream, &mut response)).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn a_review_beyond_the_limit_gets_503_and_the_next_is_answered() {
    let server = start(Limits { reviews: 1, ..relaxed_limits() }).await;
    let mut busy: PooledConnection = server.pooled().await;
    let in_flight = tokio::spawn(async move { busy.get_text("/slow").await });
    let mut response = String::new();
    // requests are answered until the slow one has arrived
    within(TEST_TIMEOUT, async {
        while !response.starts_with("HTTP/1.1 503 ") {
            response = exchange(&mut connect(&server).await, post("a").as_bytes()).await;
        }
    })
    .await;
    assert_503(&response, "too many reviews at once");
    assert_eq!(server.metric("rejected_requests_total{reason=\"too-many-reviews\"}"), 1);
    assert_eq!(in_flight.await.unwrap(), ("slow".to_owned(), false));
    assert!(exchange(&mut connect(&server).await, post("again").as_bytes()).await.ends_with("\r\n\r\nagain"));
}

#[tokio::test]
async fn an_incomplete_body_does_not_count_as_a_review() {
    let server = start(Limits { reviews: 1, ..relaxed_limits() }).await;
    let mut slow = send_head(&server, 4).await;
    assert!(exchange(&mut connect(&server).await, post("other").as_bytes()).await.ends_with("\r\n\r\nother"));
    assert!(exchange(&mut slow, b"slow").await.ends_with("\r\n\r\nslow"));
}

#[tokio::test]
async fn bodies_beyond_the_total_limit_get_503_before_they_are_read() {
    let server = start(Limits { body_bytes: 1000, bodies_bytes: 2000, ..relaxed_limits() }).await;
    let mut first = send_head(&server, 600).await;
    let (long, fits) = (post(&"x".repeat(401)), post(&"x".repeat(400)));
    assert_503(
        &exchange(&mut connect(&server).await, long.as_bytes()).await,
        "too many bytes in request bodies at once",
    );
    assert_eq!(server.metric("rejected_requests_total{reason=\"too-many-bytes\"}"), 1);
    assert!(exchange(&mut connect(&server).await, fits.as_bytes()).await.starts_with("HTTP/1.1 200 "));
    assert!(exchange(&mut first, "x".repeat(600).as_bytes()).await.starts_with("HTTP/1.1 200 "));
    // the bytes are released, also if a client disconnects
    drop(send_head(&server, 1000).await);
    wait_for_metric(&server, "open_connections", 0).await;
    assert!(exchange(&mut connect(&server).await, long.as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_that_is_too_long_gets_413_even_if_its_client_writes_everything_before_it_reads() {
    let server = start(Limits { body_bytes: 1000, ..relaxed_limits() }).await;
    let mut stream = connect(&server).await;
    let body = post(&"x".repeat(6 * 1024 * 1024));
    within(TEST_TIMEOUT, stream.write_all(body.as_bytes())).await.unwrap();
    tokio::time::sleep(milliseconds(200)).await;
    let response = read_to_close(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 413 ") && response.contains("\r\nconnection: close"), "{response}");
    assert_eq!(server.metric("rejected_requests_total{reason=\"long-body\"}"), 1);
    let most = post(&"x".repeat(1000));
    assert!(exchange(&mut connect(&server).await, most.as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn every_excessive_length_is_rejected() {
    let server = start(relaxed_limits()).await;
    for (length, expected) in [
        ("20971521", "HTTP/1.1 413 Payload Too Large"),
        ("4294967297", "HTTP/1.1 413 Payload Too Large"),
        // longer than hyper can represent
        ("18446744073709551616", "HTTP/1.1 400 Bad Request"),
    ] {
        let request = request_head("/echo", &[&format!("content-length: {length}")]);
        let mut stream = connect(&server).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        // the response does not wait for the body
        assert_eq!(within(TEST_TIMEOUT, first_line(&mut stream)).await, expected, "{length}");
    }
}

async fn first_line(stream: &mut TlsStream<TcpStream>) -> String {
    use tokio::io::AsyncBufReadExt;
    let mut line = String::new();
    tokio::io::BufReader::new(stream).read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

#[tokio::test]
async fn a_body_without_content_length_gets_411() {
    let server = start(relaxed_limits()).await;
    let chunked = request_head("/echo", &["transfer-encoding: chunked"]) + "5\r\nhello\r\n0\r\n\r\n";
    let both = request_head("/echo", &["content-length: 5", "transfer-encoding: chunked"]) + "5\r\nhello\r\n0\r\n\r\n";
    let nothing = request_head("/echo", &[]);
    for request in [chunked, both, nothing] {
        let response = exchange(&mut connect(&server).await, request.as_bytes()).await;
        assert!(
            response.starts_with("HTTP/1.1 411 ") && response.contains("\r\nconnection: close"),
            "{request}{response}"
        );
    }
    assert_eq!(server.metric("rejected_requests_total{reason=\"no-content-length\"}"), 3);
    assert!(exchange(&mut connect(&server).await, post("").as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_server_that_is_not_ready_responds_503_until_it_is() {
    let server = start(relaxed_limits()).await;
    let mut pooled = server.pooled().await;
    assert_eq!(pooled.get_text("/quick").await, ("quick".to_owned(), false));
    server.health.set_unmet(Condition::Start, "starting again");
    assert_eq!(pooled.get_text("/quick").await, ("not ready; try again\n".to_owned(), true));
    assert_503(&exchange(&mut connect(&server).await, post("a").as_bytes()).await, "not ready");
    assert_eq!(server.metric("rejected_requests_total{reason=\"not-ready\"}"), 2);
    server.health.set_met(Condition::Start);
    assert!(exchange(&mut connect(&server).await, post("a").as_bytes()).await.ends_with("\r\n\r\na"));
    // a server that drains is not ready, but answers
    server.health.drain();
    assert!(exchange(&mut connect(&server).await, post("b").as_bytes()).await.ends_with("\r\n\r\nb"));
}

/// Whether the long evaluation may end.
static MAY_END: AtomicBool = AtomicBool::new(false);

/// Blocks its thread until [`MAY_END`], as a long evaluation does.
pub(super) fn busy() -> &'static str {
    for _ in 0..200 {
        if MAY_END.load(Ordering::Relaxed) {
            return "ended when allowed";
        }
        std::thread::sleep(milliseconds(50));
    }
    "was never allowed to end"
}

// one thread serves and calls: a task that blocks it blocks all
#[tokio::test(flavor = "current_thread")]
async fn a_long_evaluation_delays_no_other_client_and_no_probe() {
    let server = start(relaxed_limits()).await;
    let health_listener = bind(([127, 0, 0, 1], 0).into(), "health", "--health-listen").await.unwrap();
    let health = health_listener.local_addr().unwrap();
    let router = health_router(Arc::clone(&server.health), String::new);
    tokio::spawn(serve_plain(health_listener, router, std::future::pending()));
    let mut other = server.pooled().await;
    let client = server.client("localhost");
    let long = tokio::spawn(async move { client.post("/busy", "text/plain", vec![b'x'; 64 * 1024]).await });
    tokio::time::sleep(milliseconds(300)).await;
    assert!(!long.is_finished());
    assert_eq!(other.get_text("/quick").await, ("quick".to_owned(), false));
    for path in ["/livez", "/readyz"] {
        assert_eq!(probe(health, path).await.0, StatusCode::OK, "{path}");
    }
    MAY_END.store(true, Ordering::Relaxed);
    assert_eq!(&within(TEST_TIMEOUT, long).await.unwrap().unwrap().1[..], b"ended when allowed");
}

#[tokio::test]
async fn a_panic_with_a_long_body_ends_its_own_connection_only() {
    let server = start(relaxed_limits()).await;
    let mut other = server.pooled().await;
    assert_eq!(other.get_text("/quick").await.0, "quick");
    server.client("localhost").post("/panic", "text/plain", vec![b'x'; 64 * 1024]).await.unwrap_err();
    assert_eq!(other.get_text("/quick").await, ("quick".to_owned(), false));
    wait_for_metric(&server, "panics_total", 1).await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(relaxed_limits()).await;
    let one = |body: &str| request_head("/echo", &[&format!("content-length: {}", body.len())]) + body;
    let requests = one("first") + &one("second") + &post("third");
    let responses = exchange(&mut connect(&server).await, requests.as_bytes()).await;
    let bodies: Vec<&str> =
        responses.split("HTTP/1.1 200 OK\r\n").filter_map(|it| Some(it.split_once("\r\n\r\n")?.1)).collect();
    assert_eq!(bodies, ["first", "second", "third"]);
}
