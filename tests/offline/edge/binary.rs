//! The real binary under load and without free file descriptors.

use super::raw::{config, connect_from, connect_tls, exchange, handshake, metric, request_head};
use super::{PooledConnection, TEST_TIMEOUT, within};
use hyper::StatusCode;
use rustls::ClientConfig;
use std::fs;
use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use test_support::run::{Folder, Serving, http_get};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A running binary, with the folder that holds its CA.
struct Running {
    serving: Serving,
    address: SocketAddr,
    folder: Folder,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let folder = Folder::with(&[]);
        Self::of(Serving::start(&folder, arguments), folder)
    }

    fn of(serving: Serving, folder: Folder) -> Self {
        Self { address: serving.reviews(), serving, folder }
    }

    fn config(&self) -> ClientConfig {
        config(&fs::read_to_string(self.folder.path("certs/ca.crt")).unwrap(), &["http/1.1"])
    }

    fn metric(&self, name: &str) -> u64 {
        metric(&http_get(self.serving.health(), "/metrics"), name)
    }

    /// Posts `{}` on a new connection and asserts that the endpoint responds: it is not an `AdmissionReview`.
    async fn assert_answers(&self, config: ClientConfig) {
        let mut stream = connect_tls(self.address, config).await.unwrap();
        let lines = ["content-type: application/json", "content-length: 2", "connection: close"];
        let response =
            exchange(&mut stream, (request_head("/audit/validate?timeout=10s", &lines) + "{}").as_bytes()).await;
        assert!(response.starts_with("HTTP/1.1 400 ") && response.contains("AdmissionReview"), "{response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_idle_connections_stay_open_while_requests_are_answered() {
    let running = Running::start(&[]);
    let (address, config) = (running.address, running.config());
    let mut idle = Vec::new();
    // each address gets half of what the others leave free: 512, 256 and 128 at most
    let numbers = [([127, 0, 0, 2], 500), ([127, 0, 0, 3], 250), ([127, 0, 0, 4], 120)];
    for source in numbers.into_iter().flat_map(|(source, number)| iter::repeat_n(source, number)) {
        let stream = connect_from(source, address).await.unwrap();
        idle.push(handshake(stream, config.clone()).await.unwrap());
        if idle.len() % 100 == 0 {
            running.assert_answers(config.clone()).await;
        }
    }
    assert!(running.metric("open_connections") >= 870);
    running.assert_answers(config.clone()).await;
    // none was closed: the first still works
    let response = PooledConnection::on(idle.remove(0)).await.get("/audit/validate").await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stop_halfway_delay_no_other_client() {
    let running = Running::start(&["--header-timeout", "1h", "--body-timeout", "1h", "--handshake-timeout", "1h"]);
    let (address, config) = (running.address, running.config());
    let half_a_body = request_head("/enforce/validate", &["content-length: 13000"]) + "{";
    let (mut connected, mut after_handshake) = (Vec::new(), Vec::new());
    for index in 0..100 {
        let mut half_a_hello = TcpStream::connect(address).await.unwrap();
        half_a_hello.write_all(&[0x16, 0x03, 0x01, 0x02]).await.unwrap();
        connected.extend([TcpStream::connect(address).await.unwrap(), half_a_hello]);
        for half in ["POST /enforce/val", &half_a_body] {
            let mut stream = connect_tls(address, config.clone()).await.unwrap();
            stream.write_all(half.as_bytes()).await.unwrap();
            after_handshake.push(stream);
        }
        if index % 50 == 49 {
            running.assert_answers(config.clone()).await;
        }
    }
    assert!(running.metric("open_connections") >= 400);
    assert_eq!(running.metric("rejected_requests_total{reason=\"too-many-reviews\"}"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_of_many_simultaneous_handshakes_is_answered() {
    let running = Running::start(&["--handshakes", "2", "--handshake-timeout", "30s"]);
    let config = running.config();
    let running = Arc::new(running);
    let mut callers = JoinSet::new();
    for _ in 0..300 {
        let (running, config) = (Arc::clone(&running), config.clone());
        callers.spawn(async move { running.assert_answers(config).await });
    }
    assert_eq!(within(2 * TEST_TIMEOUT, callers.join_all()).await.len(), 300);
    assert_eq!(running.metric("handshake_failures_total"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_serves_open_connections_and_recovers() {
    let folder = Folder::with(&[]);
    let running = Running::of(Serving::start_with_files(&folder, 48), folder);
    let config = running.config();
    let mut first = PooledConnection::on(connect_tls(running.address, config.clone()).await.unwrap()).await;
    let mut connections = Vec::new();
    for _ in 0..60 {
        connections.push(TcpStream::connect(running.address).await.unwrap());
    }
    within(TEST_TIMEOUT, async {
        // it tries again repeatedly
        while running.serving.stderr().matches("cannot accept connections").count() < 3 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let response = within(TEST_TIMEOUT, first.get("/audit/validate")).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    drop(connections);
    within(TEST_TIMEOUT, running.assert_answers(config)).await;
    running.serving.terminate();
}

#[tokio::test]
async fn the_flags_set_the_limits() {
    let running = Running::start(&["--body-bytes", "1000", "--header-timeout", "300ms"]);
    let lines = ["content-type: application/json", "content-length: 1001"];
    let mut stream = connect_tls(running.address, running.config()).await.unwrap();
    let response =
        exchange(&mut stream, (request_head("/audit/validate", &lines) + &" ".repeat(1001)).as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    let mut stream = connect_tls(running.address, running.config()).await.unwrap();
    assert_eq!(exchange(&mut stream, b"POST /audit").await, "");
    assert_eq!(running.metric("timeouts_total{wait=\"header\"}"), 1);
    assert_eq!(running.metric("rejected_requests_total{reason=\"long-body\"}"), 1);
}
