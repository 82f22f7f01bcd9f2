//! Limits are shared fairly by peer address: what one address uses up, another still gets. 127.0.0.2 is the attacker.

use super::handshakes::client_hello;
use super::overload::post;
use super::raw::{assert_503, exchange, request_head};
use super::{PooledConnection, SECOND, TEST_TIMEOUT, TestServer, milliseconds, relaxed_limits, start, within};
use apim_keyless::server::Limits;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const ATTACKER: [u8; 4] = [127, 0, 0, 2];
const OTHER: [u8; 4] = [127, 0, 0, 3];

/// Connects from this address.
async fn connect(server: &TestServer, source: [u8; 4]) -> TlsStream<TcpStream> {
    server.handshake_from(source).await.unwrap()
}

/// Posts a body and asserts that it is answered.
async fn assert_answered(server: &TestServer, source: [u8; 4], body: &str) {
    let response = exchange(&mut connect(server, source).await, post(body).as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with(body), "{response}");
}

#[tokio::test]
async fn connections_of_one_address_leave_half_of_all_to_others() {
    let server = start(Limits { connections: 8, ..relaxed_limits() }).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(connect(&server, ATTACKER).await);
    }
    for _ in 0..20 {
        server.handshake_from(ATTACKER).await.unwrap_err();
    }
    assert_eq!(server.metric("rejected_connections_total"), 20);
    assert_answered(&server, OTHER, "other").await;
    // a connection that ends makes room for the next
    drop(held.pop());
    within(TEST_TIMEOUT, async { while server.handshake_from(ATTACKER).await.is_err() {} }).await;
}

#[tokio::test]
async fn reviews_of_one_address_leave_half_of_all_to_others() {
    let server = start(Limits { reviews: 4, ..relaxed_limits() }).await;
    let stuck = request_head("/stuck", &["content-length: 1", "connection: close"]) + "x";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&server, ATTACKER).await;
        stream.write_all(stuck.as_bytes()).await.unwrap();
        held.push(stream);
    }
    // requests are answered until both have arrived
    let mut response = String::new();
    within(TEST_TIMEOUT, async {
        while !response.starts_with("HTTP/1.1 503 ") {
            response = exchange(&mut connect(&server, ATTACKER).await, post("a").as_bytes()).await;
        }
    })
    .await;
    assert_503(&response, "too many reviews at once");
    assert_answered(&server, OTHER, "other").await;
}

#[tokio::test]
async fn bodies_of_one_address_leave_half_of_all_bytes_to_others() {
    let server = start(Limits { body_bytes: 1000, bodies_bytes: 4000, ..relaxed_limits() }).await;
    let announced = request_head("/echo", &["content-length: 1000", "connection: close", "expect: 100-continue"]);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&server, ATTACKER).await;
        stream.write_all(announced.as_bytes()).await.unwrap();
        let mut response = [0; 25];
        within(TEST_TIMEOUT, stream.read_exact(&mut response)).await.unwrap();
        assert_eq!(&response, b"HTTP/1.1 100 Continue\r\n\r\n");
        held.push(stream);
    }
    let response = exchange(&mut connect(&server, ATTACKER).await, post("one more").as_bytes()).await;
    assert_503(&response, "too many bytes in request bodies at once");
    assert_answered(&server, OTHER, &"x".repeat(1000)).await;
    // without a body there is nothing to wait for
    let mut stream = connect(&server, ATTACKER).await;
    assert!(exchange(&mut stream, post("").as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_handshake_that_stops_delays_no_handshake_of_another_address() {
    let server = start(Limits { handshakes: 1, ..relaxed_limits() }).await;
    let mut stalled = server.connect_from(ATTACKER).await.unwrap();
    stalled.write_all(&client_hello(server.ca.certificate_pem())).await.unwrap();
    // the response to the ClientHello shows that the handshake is in progress
    assert!(within(TEST_TIMEOUT, stalled.read(&mut [0; 64])).await.unwrap() > 0);
    // the stalled handshake times out much later
    within(10 * SECOND, assert_answered(&server, OTHER, "other")).await;
    assert_eq!(server.metric("timeouts_total{wait=\"handshake\"}"), 0);
}

/// Whether the long evaluations may end.
static MAY_END: AtomicBool = AtomicBool::new(false);
/// The first byte of each body, in the order of the evaluations.
static EVALUATED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Blocks its thread until [`MAY_END`], as a long evaluation does.
pub(super) fn evaluate(body: &Bytes) {
    EVALUATED.lock().unwrap().push(body[0]);
    while !MAY_END.load(Ordering::Relaxed) {
        std::thread::sleep(milliseconds(10));
    }
}

/// Posts a long body that starts with `letter`.
async fn evaluate_long(mut connection: PooledConnection, letter: u8) {
    let body = Full::from(vec![letter; 64 * 1024]);
    let request = Request::post("/evaluate").header("host", "localhost").body(body).unwrap();
    let response = within(TEST_TIMEOUT, connection.sender.send_request(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn addresses_take_turns_with_long_reviews() {
    let server = start(relaxed_limits()).await;
    let mut reviews = Vec::new();
    for letter in *b"aaaaaaaaob" {
        let source = if letter == b'o' { OTHER } else { ATTACKER };
        let connection = PooledConnection::on(connect(&server, source).await).await;
        reviews.push(tokio::spawn(evaluate_long(connection, letter)));
        // until it waits
        tokio::time::sleep(milliseconds(100)).await;
    }
    assert_eq!(*EVALUATED.lock().unwrap(), b"a", "one is evaluated at a time");
    MAY_END.store(true, Ordering::Relaxed);
    for review in reviews {
        review.await.unwrap();
    }
    let order = EVALUATED.lock().unwrap().clone();
    let turn = order.iter().position(|letter| *letter == b'o').unwrap();
    // behind the one in progress and the attacker's next, not behind all eight
    assert_eq!((turn, order.len()), (2, 10), "{}", String::from_utf8_lossy(&order));
}
