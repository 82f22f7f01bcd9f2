//! Finds problems of an installation of apim-keyless. Pure: `cluster` reads the installation, this module evaluates it.
//!
//! [`diagnose`] runs every check of [`CHECKS`]. A check is a function of the [`CheckInput`]. What could not be read is
//! reported once, as a [`ReadError`]; the checks that need it then report nothing.

mod api_server;
mod ca_bundles;
mod check_input;
mod code;
mod diagnostic;
mod namespaces;
mod other_webhooks;
mod probe;
mod replicas;
mod webhook_entries;

pub use check_input::{CheckInput, Probe};
pub use code::{Code, CodeEntry};
pub use probe::{namespace_to_probe, probe_deployment};

use crate::cluster::ReadError;
use apim_keyless_report::{Diagnostic, Failure, Location, Report};

/// Looks for one group of problems.
pub type DoctorCheck = fn(&CheckInput<'_>) -> Vec<Diagnostic>;

/// Every check, in the order of the report.
pub const CHECKS: &[DoctorCheck] = &[
    api_server::check_version,
    api_server::check_clock,
    api_server::check_issuer,
    replicas::check_ready_replicas,
    replicas::check_versions,
    replicas::check_pods,
    replicas::check_disruption_budget,
    webhook_entries::check_entries_exist,
    webhook_entries::check_entries_match_chart,
    webhook_entries::check_services,
    other_webhooks::check_admissions_enforcer,
    other_webhooks::check_workload_identity,
    ca_bundles::check_ca_secret,
    ca_bundles::check_ca_bundles,
    namespaces::check_keys,
    namespaces::check_any_evaluated,
    probe::check_probe,
];

/// Runs every check. What could not be read is a failure of the report.
pub fn diagnose(input: &CheckInput<'_>) -> Report {
    let failure = |error: ReadError| Failure { location: Location::default(), message: error.to_string() };
    let mut report = Report {
        findings: CHECKS.iter().flat_map(|check| check(input)).collect(),
        failures: input.read_errors().into_iter().map(failure).collect(),
        objects: input.count_objects(),
        ..Report::default()
    };
    report.number_fingerprints();
    report
}
