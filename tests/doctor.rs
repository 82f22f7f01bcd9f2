//! `apim-keyless doctor`: every fault of an installation is found, each alone, on a real API server and by the real binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod control_plane;
#[path = "doctor/front.rs"]
mod front;
#[path = "doctor/installed.rs"]
mod installed;
#[path = "doctor/page.rs"]
mod page;
#[path = "doctor/plants.rs"]
mod plants;
#[path = "doctor/plants_of_bundles.rs"]
mod plants_of_bundles;
#[path = "doctor/plants_of_cluster.rs"]
mod plants_of_cluster;
#[path = "doctor/plants_of_replicas.rs"]
mod plants_of_replicas;
#[path = "doctor/plants_of_webhooks.rs"]
mod plants_of_webhooks;
#[path = "doctor/rights.rs"]
mod rights;
mod run;
#[path = "doctor/seen.rs"]
mod seen;
mod webhook;

use apim_keyless::doctor::Code;
use front::Front;
use installed::Installed;
use plants::{Plant, found_alone};
use webhook::Webhook;

/// Every fault that is planted while the webhook runs.
fn plants() -> Vec<Plant> {
    [plants_of_cluster::all(), plants_of_replicas::all(), plants_of_webhooks::all()].into_iter().flatten().collect()
}

#[test]
fn every_fault_is_planted_at_least_once() {
    let mut planted: Vec<Code> = plants()
        .iter()
        .chain(&plants_of_bundles::all(""))
        .map(|plant| plant.code)
        .chain([Code::WebhookUnreachable])
        .collect();
    planted.sort();
    planted.dedup();
    assert_eq!(planted, Code::all());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_found_alone_and_what_is_right_is_not() {
    let Some(mut webhook) = Webhook::start() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let front = Front::start(webhook.control_plane.kube_config());
    let installed = Installed::beside(&webhook, &front).await;
    installed.until_found("nothing is wrong", &[]).await;

    seen::as_an_operator_reads_it(&installed);
    seen::warnings_fail_where_they_are_to(&installed).await;
    rights::are_told_where_they_are_missing(&webhook).await;
    seen::wherever_a_gateway_is_written(&installed, &webhook).await;
    seen::where_values_are_others(&installed).await;
    for plant in plants() {
        found_alone(&installed, &plant, &[]).await;
    }
    // while it runs, the webhook puts CAs and caBundles right at once
    webhook.stop();
    let unreachable = [("webhook-unreachable", "ValidatingWebhookConfiguration apim-keyless /webhooks/0")];
    installed.until_found("nobody can be called", &unreachable).await;
    seen::where_others_make_certificates(&installed, &unreachable).await;
    let secret = webhook.in_namespace("apim-keyless").get(plants_of_bundles::SECRET).await.stored();
    for plant in plants_of_bundles::all(&plants_of_bundles::certificates(&secret)) {
        found_alone(&installed, &plant, &[Code::WebhookUnreachable]).await;
    }
}
