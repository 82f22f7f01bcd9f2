//! The API server repeats a review that got `503`, and the user sees no error.

use serde_json::json;
use test_support::control_plane::ControlPlane;
use test_support::webhook::Webhook;
use test_support::webhook::objects::{BARE, one};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Flags for a small `--bodies-bytes`.
fn small_body_limit(_: &ControlPlane) -> Vec<String> {
    ["--bodies-bytes", "200000", "--body-timeout", "1s"].map(str::to_owned).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_beyond_the_body_limit_is_repeated_until_it_succeeds() {
    let Some(webhook) = Webhook::of_test("overload", small_body_limit) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("overloaded", Some("enforce")).await;
    let mut blocker = webhook.connect().await;
    let head =
        "POST /enforce/mutate HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 199900\r\n\r\n";
    blocker.write_all(head.as_bytes()).await.unwrap();
    let mut response = [0; 25];
    // this body now occupies the limit for one second
    blocker.read_exact(&mut response).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stored = user.apply(&one(BARE, "Deployment")).await.stored();
    assert_eq!(stored["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], json!("true"));
    let metrics = webhook.metrics().await;
    assert!(metrics.contains("rejected_requests_total{reason=\"too-many-bytes\"}"), "{metrics}");
}
