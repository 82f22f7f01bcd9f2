//! Certificates and CAs rotate, many thousand times as fast as in production, while the API server sends reviews.

use std::collections::VecDeque;
use std::time::{Duration, Instant};
use test_support::webhook::objects::{BARE, OLD_IMAGE, one};
use test_support::webhook::{User, Webhook, print_to_stderr};

/// How long the API server sends reviews.
const TIME: Duration = Duration::from_secs(45);

/// How late an API server notices a change of its webhook configurations: within the propagation delay.
const LAG: Duration = Duration::from_secs(1);

/// What is noticed later than this can fail: the propagation delay is 2 seconds, and times are stored in whole seconds.
const LONGEST_LAG: Duration = Duration::from_millis(1250);

/// A CA is valid as long as four certificates; in production it is 156.
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
async fn no_write_fails_while_certificates_and_cas_rotate() {
    let Some(webhook) = Webhook::of_test("rotation", |_| periods()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("rotation", Some("enforce")).await;
    let (start, mut writes, mut handshakes) = (Instant::now(), 0, 0);
    let mut ca_bundles: VecDeque<(Instant, Vec<String>)> = VecDeque::new();
    while start.elapsed() < TIME {
        write(&user).await;
        writes += 1;
        ca_bundles.push_back((Instant::now(), webhook.ca_bundles().await));
        while ca_bundles.get(1).is_some_and(|(read_at, _)| read_at.elapsed() > LAG) {
            ca_bundles.pop_front();
        }
        let Some((read_at, late)) = ca_bundles.front() else { continue };
        for ca_bundle in late {
            // a busy machine can end a handshake; one that is not trusted fails again
            let is_trusted = webhook.is_trusted_by(ca_bundle).await || webhook.is_trusted_by(ca_bundle).await;
            // on a busy machine the bundle can be too old by now
            let lag = read_at.elapsed();
            assert!(is_trusted || lag > LONGEST_LAG, "the handshake of a client that is {lag:?} late fails");
            handshakes += usize::from(is_trusted);
        }
    }
    let (certificates, changes) = (webhook.count("serves a new certificate"), webhook.count("changed the CAs"));
    print_to_stderr(&format!(
        "{writes} pairs of writes, {handshakes} handshakes, {certificates} certificates, \
         {changes} changes of the CAs, no failure"
    ));
    assert!(handshakes > 20, "{handshakes} handshakes");
    // a new CA was added and trusted, and the old one retired, more than once
    assert!(certificates > 9 && changes > 5, "{certificates} certificates, {changes} changes of the CAs");
}

/// One write that is mutated, and one that is denied.
async fn write(user: &User) {
    let mutated = user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await.stored();
    let account = mutated.pointer("/spec/template/spec/serviceAccountName").and_then(|name| name.as_str());
    assert_eq!(account, Some("apim-gateway-workload-identity"), "the mutating webhook was not called");
    user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await.denied(&["unsupported-version"]);
}
