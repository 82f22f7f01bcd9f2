//! No review fails while replicas are replaced and killed, certificates and CAs rotate, clients stall, and more clients
//! send reviews than a replica can answer.
//!
//! `make soak` runs all of it in a release build, for about 10 minutes; `make test` runs a fifth of it
//! (`SOAK_DIVISOR=5`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod growth;
mod late_watch;
mod load;
mod quiet;
mod replicas;
mod stalled;
mod writers;

use replicas::{Replicas, arguments};
use test_support::webhook::measure::reduced;
use test_support::webhook::{Webhook, print_to_stderr};
use writers::Writers;

/// How often all replicas are replaced, one after the other.
const ROUNDS: usize = 20;
/// How often a replica is killed.
const KILLS: usize = 20;
/// The least number of certificate renewals.
const RENEWALS: usize = 100;
/// The least number of CA rotations.
const ROTATIONS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn no_review_fails_except_in_a_killed_replica() {
    let Some(webhook) = Webhook::alone(|_| arguments()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let mut replicas = Replicas::start(&webhook).await;
    webhook.redirect_with_long_timeouts_to(replicas.port()).await;
    late_watch::check(&webhook).await;
    let writers = Writers::start(&webhook).await;

    replace_and_kill(&mut replicas, &writers).await;
    stalled::check(&replicas, &writers).await;
    let written = writers.stop().await;
    print_to_stderr(&format!("soak: the API server sent {written} reviews in total"));
    load::check(&replicas).await;
}

/// Replaces and kills replicas until everything has happened as often as required.
async fn replace_and_kill(replicas: &mut Replicas<'_>, writers: &Writers) {
    for kill in 0..reduced(ROUNDS).max(reduced(KILLS)) {
        if kill < reduced(ROUNDS) {
            replicas.replace_all().await;
        }
        writers.assert_nothing_failed(replicas.killed());
        if kill < reduced(KILLS) {
            replicas.kill_one().await;
        }
    }
    while replicas.renewals() < reduced(RENEWALS) || replicas.rotations() < reduced(ROTATIONS) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let lost = writers.assert_nothing_failed(replicas.killed());
    print_to_stderr(&format!(
        "soak: {}; 0 of {} reviews failed, except {lost} in killed replicas",
        replicas,
        writers.reviews()
    ));
}
