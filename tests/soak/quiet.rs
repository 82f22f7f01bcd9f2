//! A cluster in which nothing is written does not make the cache stale.

use std::time::{Duration, Instant};
use test_support::webhook::measure::reduced;
use test_support::webhook::{Webhook, print_to_stderr};

/// `--cache-stale-after`, in seconds: the default in `make soak`, a fifth of it in `make test`.
const STALE_AFTER: usize = 120;
/// How many times as long nothing is written.
const TIMES: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_cluster_makes_no_cache_stale() {
    let arguments = |_: &_| vec![format!("--cache-stale-after={}s", reduced(STALE_AFTER))];
    let Some(webhook) = Webhook::alone_without_controllers(arguments) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let (quiet, start) = (TIMES * Duration::from_secs(reduced(STALE_AFTER) as u64), Instant::now());
    let mut checks = 0;
    while start.elapsed() < quiet {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let metrics = webhook.metrics().await;
        assert!(metrics.lines().any(|line| line == "apim_keyless_cache_current 1"), "{metrics}");
        checks += 1;
    }
    print_to_stderr(&format!("soak: without a write, the cache was current in {checks} checks within {quiet:?}"));
}
