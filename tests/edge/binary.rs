//! The real binary under load, and out of file descriptors.

use super::raw::{config, exchange, head, metric, shake};
use super::{PATIENCE, Pooled, within};
use crate::run::{Folder, Serving, answer_of};
use hyper::StatusCode;
use rustls::ClientConfig;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A running binary, and what its clients trust.
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
        metric(&answer_of(self.serving.health(), "/metrics"), name)
    }

    /// A call on a connection of its own: what is no review is told so, by the door itself.
    async fn is_answered(&self, config: ClientConfig) {
        let mut stream = shake(self.address, config).await.unwrap();
        let lines = ["content-type: application/json", "content-length: 2", "connection: close"];
        let answer = exchange(&mut stream, (head("/audit/validate?timeout=10s", &lines) + "{}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("AdmissionReview"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_idle_connections_are_kept_beside_good_requests() {
    let running = Running::start(&[]);
    let (address, config) = (running.address, running.config());
    let mut idle = Vec::new();
    for _ in 0..2000 {
        idle.push(shake(address, config.clone()).await.unwrap());
        if idle.len() % 100 == 0 {
            running.is_answered(config.clone()).await;
        }
    }
    assert!(running.metric("open_connections") >= 2000);
    // none of them was given up: the first is as good as new
    let response = Pooled::on(idle.remove(0)).await.ask("/audit/validate").await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stop_half_way_keep_nobody_from_being_answered() {
    let running = Running::start(&["--header-timeout", "1h", "--body-timeout", "1h", "--handshake-timeout", "1h"]);
    let (address, config) = (running.address, running.config());
    let half_a_body = head("/enforce/validate", &["content-length: 13000"]) + "{";
    let (mut connected, mut shaken) = (Vec::new(), Vec::new());
    for index in 0..400 {
        let mut half_a_hello = TcpStream::connect(address).await.unwrap();
        half_a_hello.write_all(&[0x16, 0x03, 0x01, 0x02]).await.unwrap();
        connected.extend([TcpStream::connect(address).await.unwrap(), half_a_hello]);
        for half in ["POST /enforce/val", &half_a_body] {
            let mut stream = shake(address, config.clone()).await.unwrap();
            stream.write_all(half.as_bytes()).await.unwrap();
            shaken.push(stream);
        }
        if index % 50 == 49 {
            running.is_answered(config.clone()).await;
        }
    }
    assert!(running.metric("open_connections") >= 1600);
    assert_eq!(running.metric("rejected_requests_total{reason=\"too-many-reviews\"}"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_handshakes_is_answered_to_the_last() {
    let running = Running::start(&["--handshakes", "2", "--handshake-timeout", "30s"]);
    let config = running.config();
    let running = Arc::new(running);
    let mut callers = JoinSet::new();
    for _ in 0..300 {
        let (running, config) = (Arc::clone(&running), config.clone());
        callers.spawn(async move { running.is_answered(config).await });
    }
    assert_eq!(within(2 * PATIENCE, callers.join_all()).await.len(), 300);
    assert_eq!(running.metric("handshake_failures_total"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_answers_whom_it_has_and_goes_on_when_there_are_some() {
    let folder = Folder::with(&[]);
    let running = Running::of(Serving::start_with_files(&folder, 48), folder);
    let config = running.config();
    let mut first = Pooled::on(shake(running.address, config.clone()).await.unwrap()).await;
    let mut crowd = Vec::new();
    for _ in 0..60 {
        crowd.push(TcpStream::connect(running.address).await.unwrap());
    }
    within(PATIENCE, async {
        // it tries again, and again
        while running.serving.stderr().matches("cannot accept connections").count() < 3 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let response = within(PATIENCE, first.ask("/audit/validate")).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    drop(crowd);
    within(PATIENCE, running.is_answered(config)).await;
    running.serving.terminate();
}

#[tokio::test]
async fn the_flags_are_the_limits() {
    let running = Running::start(&["--body-bytes", "1000", "--header-timeout", "300ms"]);
    let lines = ["content-type: application/json", "content-length: 1001"];
    let mut stream = shake(running.address, running.config()).await.unwrap();
    let answer = exchange(&mut stream, (head("/audit/validate", &lines) + &" ".repeat(1001)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let mut stream = shake(running.address, running.config()).await.unwrap();
    assert_eq!(exchange(&mut stream, b"POST /audit").await, "");
    assert_eq!(running.metric("timeouts_total{wait=\"header\"}"), 1);
    assert_eq!(running.metric("rejected_requests_total{reason=\"long-body\"}"), 1);
}
