//! The API server repeats a review that got `503`, and the user sees no error. Load from another address takes no place
//! of the API server.

use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use test_support::control_plane::ControlPlane;
use test_support::webhook::objects::{BARE, OLD_IMAGE, one};
use test_support::webhook::{User, Webhook, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

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
        "POST /enforce/mutate HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 100000\r\n\r\n";
    blocker.write_all(head.as_bytes()).await.unwrap();
    let mut response = [0; 25];
    // this body now occupies the share of the API server's address for one second
    blocker.read_exact(&mut response).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stored = user.apply(&one(BARE, "Deployment")).await.stored();
    assert_eq!(stored["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], json!("true"));
    let metrics = webhook.metrics().await;
    assert!(metrics.contains("rejected_requests_total{reason=\"too-many-bytes\"}"), "{metrics}");
}

/// The address of the attacker; the API server's is 127.0.0.1.
const ATTACKER: [u8; 4] = [127, 0, 0, 2];

/// What the attacker does, each in an endless loop.
#[derive(Clone, Copy)]
enum Attack {
    /// Announces the longest body and sends nothing of it.
    StalledBody,
    /// Sends long reviews.
    LongReview,
    /// Opens connections and sends requests that are no reviews.
    ShortRequest,
    /// Opens connections and keeps them.
    IdleConnection,
}

/// How many loops of an attack run at the same time, and the metric of what the server rejects. Together the loops ask
/// for more than a server has.
const ATTACKS: [(Attack, usize, &str); 4] = [
    (Attack::StalledBody, 16, "rejected_requests_total{reason=\"too-many-bytes\"}"),
    (Attack::LongReview, 80, "rejected_requests_total{reason=\"too-many-reviews\"}"),
    (Attack::ShortRequest, 4, "invalid_reviews_total{webhook=\"validating\",mode=\"enforce\"}"),
    (Attack::IdleConnection, 600, "rejected_connections_total"),
];

/// Flags for a small `--reviews`: a review takes so little time that few are evaluated at once, on two cores hardly ever eight.
fn few_reviews(_: &ControlPlane) -> Vec<String> {
    ["--reviews", "4"].map(str::to_owned).to_vec()
}

/// How often the user writes a gateway that is mutated and one that is denied, during each attack.
const WRITES: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn an_attacker_at_full_load_takes_no_place_of_the_api_server() {
    let Some(webhook) = Webhook::of_test("attacked", few_reviews) else { return };
    let webhook = Arc::new(webhook);
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("attacked", Some("enforce")).await;
    for (attack, number, metric) in ATTACKS {
        let mut attacks = JoinSet::new();
        spawn(&mut attacks, &webhook, attack, number);
        eventually(metric, || async { is_counted(&webhook.metrics().await, metric).then_some(()) }).await;
        assert_reviewed(&user).await;
        attacks.shutdown().await;
    }
    let mut attacks = JoinSet::new();
    for (attack, number, _) in ATTACKS {
        spawn(&mut attacks, &webhook, attack, number);
        assert_reviewed(&user).await;
    }
    attacks.shutdown().await;
}

fn spawn(attacks: &mut JoinSet<()>, webhook: &Arc<Webhook>, attack: Attack, number: usize) {
    for _ in 0..number {
        attacks.spawn(repeat(webhook.clone(), attack));
    }
}

/// Writes a gateway that is mutated and one that is denied, several times.
async fn assert_reviewed(user: &User) {
    for _ in 0..WRITES {
        let stored = user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await.stored();
        // the API server skips a mutating webhook that fails
        assert_eq!(stored["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], json!("true"));
        let denied = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
        assert!(denied.status == 403 && denied.body.to_string().contains("unsupported-version"), "{}", denied.body);
    }
}

/// Whether the metric has a value other than 0.
fn is_counted(metrics: &str, name: &str) -> bool {
    let value = metrics.lines().find_map(|line| line.strip_prefix("apim_keyless_")?.strip_prefix(name));
    value.is_some_and(|value| value.trim() != "0")
}

/// Repeats an attack without end.
async fn repeat(webhook: Arc<Webhook>, attack: Attack) {
    loop {
        // whatever the server does with it, the next one follows
        if once(&webhook, attack).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn once(webhook: &Webhook, attack: Attack) -> io::Result<()> {
    if let Attack::IdleConnection = attack {
        let mut stream = webhook.connect_tcp_from(ATTACKER).await?;
        return stream.read_to_end(&mut Vec::new()).await.map(drop);
    }
    let mut stream = webhook.connect_from(ATTACKER).await?;
    let requests = match attack {
        Attack::StalledBody => head(7 * 1024 * 1024, "close"),
        // many on one connection, so that the next is there as soon as one is answered
        Attack::LongReview => long_review("keep-alive").repeat(20) + &long_review("close"),
        Attack::ShortRequest | Attack::IdleConnection => head(2, "close") + "{}",
    };
    stream.write_all(requests.as_bytes()).await?;
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

fn head(length: usize, connection: &str) -> String {
    format!(
        "POST /enforce/validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         connection: {connection}\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// A review of 100 kB.
fn long_review(connection: &str) -> String {
    let mut object: Value = one(BARE, "Deployment");
    object["metadata"]["annotations"] = json!({"long": "x".repeat(100_000)});
    let kind = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let request = json!({"uid": "1", "kind": kind, "operation": "CREATE", "namespace": "attacked", "object": object});
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let body = review.to_string();
    head(body.len(), connection) + &body
}
