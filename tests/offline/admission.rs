//! Sends reviews that were recorded from a real API server to the real router on a real socket, and checks the answers.
//!
//! `tests/cluster/record.rs` records them. The answers of the three endpoints are in `snapshots/offline__admission__…`; a person
//! reads them before accepting them. The tests below state the most important outcomes as well.

use crate::endpoints::{ReviewServer, outcome, readable, recorded, review};
use apim_keyless::admission::Endpoint;
use serde_json::{Map, Value};

const MUTATE: Endpoint = Endpoint::ALL[0];
const ENFORCE: Endpoint = Endpoint::ALL[1];
const AUDIT: Endpoint = Endpoint::ALL[2];

/// The outcomes of a recorded review at `/enforce/mutate`, `/enforce/validate` and `/audit/validate`.
async fn outcomes(server: &ReviewServer, name: &str) -> [&'static str; 3] {
    let review = review(name);
    let mut outcomes = [""; 3];
    for (endpoint, slot) in [MUTATE, ENFORCE, AUDIT].into_iter().zip(&mut outcomes) {
        *slot = outcome(&server.ask(endpoint, &review).await);
    }
    outcomes
}

/// Asserts that all of `names` have these outcomes.
async fn all_are(names: &[&str], expected: [&str; 3]) {
    let server = ReviewServer::open().await;
    for name in names {
        assert_eq!(outcomes(&server, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn every_recorded_review_gets_the_accepted_answer() {
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
async fn missing_settings_are_added() {
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
    all_are(&bare, ["mutated", "denied", "warned"]).await;
}

#[tokio::test]
async fn a_key_is_denied_in_every_kind() {
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
        assert_eq!(outcomes(&server, name).await[1..], ["denied", "warned"], "{name}");
    }
}

#[tokio::test]
async fn an_object_that_a_controller_creates_is_neither_mutated_nor_denied() {
    let made = [
        "job-of-cron-job",
        "pod-of-job",
        "pod-of-key-gateway",
        "pod-of-replication-controller",
        "pod-of-stateful-set",
        "replica-set-of-key-gateway",
    ];
    all_are(&made, ["allowed", "warned", "warned"]).await;
}

#[tokio::test]
async fn an_update_that_leaves_the_evaluated_part_alone_is_left_alone() {
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
        "service-account-annotated",
    ];
    all_are(&harmless, ["allowed", "warned", "warned"]).await;
}

#[tokio::test]
async fn an_update_of_the_evaluated_part_is_evaluated_in_full() {
    let server = ReviewServer::open().await;
    for name in ["deployment-with-key-image-changed", "deployment-with-key-restarted"] {
        assert_eq!(outcomes(&server, name).await[1..], ["denied", "warned"], "{name}");
    }
    for name in ["config-map-endpoint-changed", "deployment-bare-image-changed"] {
        assert_eq!(outcomes(&server, name).await, ["mutated", "denied", "warned"], "{name}");
    }
    for name in ["config-map-other-method", "service-account-with-another-client-id"] {
        assert_eq!(outcomes(&server, name).await[1..], ["denied", "warned"], "{name}");
    }
}

#[tokio::test]
async fn valid_and_non_gateway_objects_are_allowed_unchanged() {
    let unchanged = [
        "chart-config-map",
        "chart-deployment",
        "chart-deployment-image-changed",
        "chart-service-account",
        "cluster-ca-config-map",
        "default-service-account",
        "deployment-deleted",
        "deployment-with-finalizer-deleted",
        // no rule evaluates a Scale
        "deployment-with-key-scale-sub-resource",
        "non-gateway-config-map",
        "non-gateway-deployment",
        "non-gateway-deployment-of-a-chart",
    ];
    all_are(&unchanged, ["allowed"; 3]).await;
    // its image has a rolling tag, like the one in Microsoft's article
    all_are(&["deployment-complete"], ["allowed", "warned", "warned"]).await;
}
