//! Reviews recorded from a real API server in, answers out, through the real router on a real socket.
//!
//! `tests/record.rs` records them. What is said of each at the three doors stands in `tests/snapshots/admission__…`,
//! read by a person before it was accepted; what matters most is promised here as well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod endpoints;

use apim_keyless::admission::Endpoint;
use endpoints::{ReviewServer, outcome, readable, recorded, review};
use serde_json::{Map, Value};

const MUTATE: Endpoint = Endpoint::ALL[0];
const ENFORCE: Endpoint = Endpoint::ALL[1];
const AUDIT: Endpoint = Endpoint::ALL[2];

/// What becomes of a recorded review at the mutate, enforce and audit door.
async fn outcomes(server: &ReviewServer, name: &str) -> [&'static str; 3] {
    let review = review(name);
    let mut outcomes = [""; 3];
    for (endpoint, slot) in [MUTATE, ENFORCE, AUDIT].into_iter().zip(&mut outcomes) {
        *slot = outcome(&server.ask(endpoint, &review).await);
    }
    outcomes
}

/// Every one of `names` has the same outcomes.
async fn all_are(names: &[&str], expected: [&str; 3]) {
    let server = ReviewServer::open().await;
    for name in names {
        assert_eq!(outcomes(&server, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn every_recorded_review_is_answered_as_a_person_agreed() {
    let server = ReviewServer::open().await;
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    for (name, review) in recorded() {
        let mut answers = Map::new();
        for endpoint in Endpoint::ALL {
            answers.insert(endpoint.path(), readable(server.ask(endpoint, &review).await));
        }
        settings.bind(|| insta::assert_json_snapshot!(name, Value::Object(answers)));
    }
}

#[tokio::test]
async fn silence_is_mended() {
    let bare = [
        "chart-deployment-bare",
        "config-map-bare",
        "daemon-set-bare",
        "deployment-applied",
        "deployment-bare",
        "deployment-dry-run",
        "job-bare",
        "pod-bare",
        "pod-template-bare",
        "pod-with-generated-name",
        "replica-set-bare",
        "replication-controller-bare",
        "service-account-created",
        "stateful-set-bare",
    ];
    all_are(&bare, ["mended", "refused", "remarked"]).await;
}

#[tokio::test]
async fn a_key_is_refused_whatever_holds_it() {
    let with_key = [
        "chart-deployment-with-key",
        "cron-job-with-key",
        "deployment-with-key",
        "job-with-key",
        "pod-with-forged-owner",
        "pod-with-key",
    ];
    let server = ReviewServer::open().await;
    for name in with_key {
        assert_eq!(outcomes(&server, name).await[1..], ["refused", "remarked"], "{name}");
    }
}

#[tokio::test]
async fn what_a_controller_makes_is_neither_mended_nor_refused() {
    let made = [
        "job-of-cron-job",
        "pod-of-job",
        "pod-of-key-gateway",
        "pod-of-replication-controller",
        "pod-of-stateful-set",
        "replica-set-of-key-gateway",
    ];
    all_are(&made, ["silent", "remarked", "remarked"]).await;
}

#[tokio::test]
async fn an_update_that_leaves_the_judged_part_alone_is_left_alone() {
    let harmless = [
        "config-map-log-level-changed",
        "deployment-applied-again",
        "deployment-bare-scaled",
        "deployment-status-by-controller",
        "deployment-terminating-released",
        "deployment-with-key-annotated",
        "deployment-with-key-scaled",
        "deployment-with-key-status",
        "pod-with-key-annotated",
        "pod-with-key-debugged",
        "pod-with-key-resized",
        "service-account-annotated",
    ];
    all_are(&harmless, ["silent", "remarked", "remarked"]).await;
}

#[tokio::test]
async fn an_update_of_the_judged_part_is_judged_whole() {
    let server = ReviewServer::open().await;
    for name in ["deployment-with-key-image-changed", "deployment-with-key-restarted"] {
        assert_eq!(outcomes(&server, name).await[1..], ["refused", "remarked"], "{name}");
    }
    for name in ["config-map-endpoint-changed", "deployment-bare-image-changed"] {
        assert_eq!(outcomes(&server, name).await, ["mended", "refused", "remarked"], "{name}");
    }
    for name in ["config-map-other-method", "service-account-of-another-client"] {
        assert_eq!(outcomes(&server, name).await[1..], ["refused", "remarked"], "{name}");
    }
}

#[tokio::test]
async fn what_is_right_or_none_of_ours_passes_untouched() {
    let foreign = [
        "chart-config-map",
        "chart-deployment",
        "chart-deployment-image-changed",
        "chart-service-account",
        "cluster-authority-config-map",
        "default-service-account",
        "deployment-deleted",
        "deployment-with-finalizer-deleted",
        "foreign-config-map",
        "foreign-deployment",
        "foreign-deployment-of-a-chart",
    ];
    all_are(&foreign, ["silent"; 3]).await;
    // its image tag rolls, as the article's does
    all_are(&["deployment-complete"], ["silent", "remarked", "remarked"]).await;
    // a Scale is no kind that a rule looks at
    all_are(&["deployment-with-key-scale-sub-resource"], ["remarked"; 3]).await;
}
