//! A review that is shed is repeated by the API server, and its user notices nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod control_plane;
mod webhook;

use control_plane::ControlPlane;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use webhook::Webhook;
use webhook::objects::{BARE, one};

/// Room for few bodies at once.
fn little_room(_: &ControlPlane) -> Vec<String> {
    ["--bodies-bytes", "200000", "--body-timeout", "1s"].map(str::to_owned).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_finds_no_room_is_repeated_until_it_does() {
    let Some(webhook) = Webhook::start_with(little_room) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("crowded", Some("enforce")).await;
    let mut greedy = webhook.connect().await;
    let head =
        "POST /enforce/mutate HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 199900\r\n\r\n";
    greedy.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    // the room is taken now, and for a second
    greedy.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stored = user.apply(&one(BARE, "Deployment")).await.stored();
    assert_eq!(stored["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], json!("true"));
    let metrics = webhook.metrics().await;
    assert!(metrics.contains("rejected_requests_total{reason=\"too-many-bytes\"}"), "{metrics}");
}
