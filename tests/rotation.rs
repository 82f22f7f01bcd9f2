//! Certificates and CAs that follow each other, many thousand times as fast as in production, while the API server calls.

mod control_plane;
mod webhook;

use std::collections::VecDeque;
use std::time::{Duration, Instant};
use webhook::objects::{BARE, OLD_IMAGE, one};
use webhook::{User, Webhook};

/// How long the API server calls.
const TIME: Duration = Duration::from_secs(45);

/// How late an API server is that notices what is written to its webhook configurations: within the hold.
const LAG: Duration = Duration::from_secs(1);

/// A CA lasts as long as four leaves; in production it is 156.
fn periods() -> Vec<String> {
    let periods = [
        ("--ca-validity", "24s"),
        ("--certificate-validity", "6s"),
        ("--propagation-delay", "2s"),
        ("--ca-overlap", "4s"),
        ("--check-interval", "500ms"),
    ];
    periods.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_fails_while_certificates_and_cas_follow_each_other() {
    let Some(webhook) = Webhook::start_with(|_| periods()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("rotation", Some("enforce")).await;
    let (start, mut writes, mut handshakes) = (Instant::now(), 0, 0);
    let mut bundles: VecDeque<(Instant, Vec<String>)> = VecDeque::new();
    while start.elapsed() < TIME {
        write(&user).await;
        writes += 1;
        bundles.push_back((Instant::now(), webhook.bundles().await));
        while bundles.get(1).is_some_and(|(seen, _)| seen.elapsed() > LAG) {
            bundles.pop_front();
        }
        for bundle in bundles.front().into_iter().flat_map(|(_, bundles)| bundles) {
            assert!(webhook.is_trusted_by(bundle).await, "a client that is {LAG:?} late is turned away");
            handshakes += 1;
        }
    }
    let (leaves, changes) = (webhook.count("shows a new certificate"), webhook.count("the CAs changed"));
    webhook::say(&format!(
        "{writes} pairs of writes, {handshakes} handshakes, {leaves} certificates, {changes} changes of the CAs, no failure"
    ));
    // a successor added, trusted, and the one before retired, more than once
    assert!(leaves > 9 && changes > 5, "{leaves} certificates, {changes} changes of the CAs");
}

/// One write that is mended, and one that is refused.
async fn write(user: &User) {
    let mended = user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await.stored();
    let account = mended.pointer("/spec/template/spec/serviceAccountName").and_then(|name| name.as_str());
    assert_eq!(account, Some("apim-gateway-workload-identity"), "the mutating webhook was not called");
    user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await.refused(&["unsupported-version"]);
}
