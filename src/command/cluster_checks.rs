//! Checks of a cluster, for `doctor` and `verify`: made once, or repeated until they pass.

use super::print_to_stderr;
use crate::cluster::{ConnectionError, ReadError};
use apim_keyless_report::{Failure, Level, Location, Report};
use humantime::format_duration;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The time between two rounds of `--wait`.
pub(super) const INTERVAL: Duration = Duration::from_secs(2);

/// The report of the checks that `evaluate` makes. With `longest` they are repeated every `interval` until they pass, for
/// this time at most.
pub(super) async fn checked(
    longest: Option<Duration>,
    interval: Duration,
    fail_on: Level,
    evaluate: impl AsyncFn() -> Result<Report, UnusableCluster>,
) -> Report {
    match longest {
        None => evaluate().await.unwrap_or_else(|error| unusable(&error)),
        Some(longest) => wait(longest, interval, fail_on, evaluate).await,
    }
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnusableCluster {
    #[error("{0}")]
    Configuration(#[from] ConnectionError),
    #[error("{}", .0.reason)]
    ApiServer(ReadError),
}

/// Repeats the checks until they pass. The last complete round counts. What only a person can change ends it at once.
async fn wait(
    longest: Duration,
    interval: Duration,
    fail_on: Level,
    evaluate: impl AsyncFn() -> Result<Report, UnusableCluster>,
) -> Report {
    let deadline = Instant::now() + longest;
    let mut last = None;
    let mut said = String::new();
    loop {
        let round = match &last {
            None => Some(evaluate().await),
            Some(_) => timeout_at(deadline, evaluate()).await.ok(),
        };
        let is_final = matches!(round, Some(Err(UnusableCluster::Configuration(_))));
        let report = match (round, last.take()) {
            (None, Some(report)) => return report,
            (round, _) => round.map_or_else(Report::default, |round| round.unwrap_or_else(|error| unusable(&error))),
        };
        if is_final || report.exit_code(fail_on) == 0 || Instant::now() + interval >= deadline {
            return report;
        }
        let open = problems(&report, fail_on);
        if open != said {
            print_to_stderr(&format!("waiting up to {}: {open}", format_duration(longest)));
            said = open;
        }
        last = Some(report);
        sleep(interval).await;
    }
}

/// What still fails, on one line.
fn problems(report: &Report, fail_on: Level) -> String {
    let findings = report.findings.iter().filter(|finding| finding.fails(fail_on));
    let codes: BTreeSet<&str> = findings.map(|finding| finding.rule).collect();
    let failures = report.failures.iter().map(|failure| failure.message.as_str());
    codes.into_iter().chain(failures).collect::<Vec<_>>().join(", ")
}

/// The report of a cluster of which nothing could be read.
fn unusable(error: &UnusableCluster) -> Report {
    let message = format!("cannot use the cluster: {error}");
    Report {
        checks: Some(Vec::new()),
        failures: vec![Failure { location: Location::default(), message }],
        ..Report::default()
    }
}
