//! What an operator is never to notice, in one run: replicas that are replaced and killed while certificates and CAs
//! follow each other, clients that stall, and more callers than can be answered.
//!
//! `make soak` runs it in full, in release, for some 10 minutes; `make test` runs a fifth of it (`SOAK_SHARE=5`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod control_plane;
#[path = "soak/load.rs"]
mod load;
#[path = "soak/replicas.rs"]
mod replicas;
#[path = "soak/stalled.rs"]
mod stalled;
mod webhook;
#[path = "soak/writers.rs"]
mod writers;

use replicas::{Replicas, arguments};
use webhook::measure::share;
use webhook::{Webhook, say};
use writers::Writers;

/// How often all replicas are replaced, one after the other.
const ROUNDS: usize = 20;
/// How often one is killed.
const KILLS: usize = 20;
/// How many new certificates are shown at least, those of a start left out.
const LEAVES: usize = 100;
/// How many CAs follow another at least.
const SUCCESSIONS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_dropped_but_what_a_killed_replica_held() {
    let Some(webhook) = Webhook::start_with(|_| arguments()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let mut replicas = Replicas::start(&webhook).await;
    webhook.lead_to(replicas.port()).await;
    let writers = Writers::start(&webhook).await;

    come_and_go(&mut replicas, &writers).await;
    stalled::beside(&replicas, &writers).await;
    let written = writers.end().await;
    say(&format!("soak: {written} reviews by the API server in all"));
    load::too_much(&replicas).await;
}

/// Replicas come and go until everything has happened as often as it is to.
async fn come_and_go(replicas: &mut Replicas<'_>, writers: &Writers) {
    for kill in 0..share(ROUNDS).max(share(KILLS)) {
        if kill < share(ROUNDS) {
            replicas.replace_all().await;
        }
        writers.assert_nothing_failed(replicas.killed());
        if kill < share(KILLS) {
            replicas.kill_one().await;
        }
    }
    while replicas.leaves() < share(LEAVES) || replicas.successions() < share(SUCCESSIONS) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let lost = writers.assert_nothing_failed(replicas.killed());
    say(&format!("soak: {}; 0 of {} reviews failed, and {lost} that a killed one held", replicas, writers.reviews()));
}
