//! Deployments that are written just after their ConfigMaps lost the key. The watch of a replica is sometimes late.

use test_support::webhook::measure::reduced;
use test_support::webhook::old_gateways::OldGateways;
use test_support::webhook::{Webhook, print_to_stderr};

/// How many Deployments are written.
const DEPLOYMENTS: usize = 1000;

/// None of them is denied.
pub(crate) async fn check(webhook: &Webhook) {
    let old = OldGateways::write(webhook, "late-watch", reduced(DEPLOYMENTS)).await;
    for [config_map, deployment] in &old.migrated {
        old.remove_key(config_map).await;
        old.user.apply(deployment).await.stored();
    }
    print_to_stderr(&format!("soak: 0 of {} Deployments denied just after their ConfigMaps", old.migrated.len()));
}
