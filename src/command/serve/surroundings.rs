//! What is looked at beside the reviews.

use crate::admission::routes::Doors;
use crate::cli::Surroundings;
use crate::cluster::Watch;
use crate::server::{Health, Need};
use crate::telemetry::Upkeep;
use kube::Client;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Watches the cluster for ever; before it was seen once, the server is not ready.
pub(super) fn watch(client: Client, arguments: &Surroundings, doors: &Doors, (health, upkeep): (&Arc<Health>, Upkeep)) {
    let (seen, was_seen) = oneshot::channel();
    let room = arguments.room.saturating_mul(1024 * 1024);
    health.lacks(Need::Surroundings, "the cluster was not seen yet");
    tokio::spawn(Watch::new(client, (arguments.scope, room), doors.surroundings.clone(), Arc::new(upkeep)).run(seen));
    let health = health.clone();
    tokio::spawn(async move {
        if was_seen.await.is_ok() {
            health.has(Need::Surroundings);
        }
    });
}
