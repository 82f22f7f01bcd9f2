//! Finds problems of an installation of apim-keyless. Pure: `cluster` reads the installation, this module evaluates it.
//!
//! [`diagnose`] runs every check of [`CHECKS`]. A check is a function of the [`CheckInput`]. What could not be read is
//! reported once, as a [`ReadError`]; the checks that need it then report nothing.

mod api_server;
mod ca_bundles;
mod check_input;
mod code;
mod finding;
pub mod json;
mod namespaces;
mod other_webhooks;
mod probe;
mod replicas;
pub mod text;
mod webhook_entries;

pub use check_input::{CheckInput, Probe};
pub use code::{Code, CodeEntry, Severity};
pub use finding::{DoctorFinding, Location, ObjectName};
pub use probe::{namespace_to_probe, probe_deployment};

use crate::cluster::ReadError;

/// Looks for one group of problems.
pub type Check = fn(&CheckInput<'_>) -> Vec<DoctorFinding>;

/// Every check, in the order of the report.
pub const CHECKS: &[Check] = &[
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

/// The result of all checks.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// The problems.
    pub findings: Vec<DoctorFinding>,
    /// What could not be read.
    pub read_errors: Vec<ReadError>,
}

/// Runs every check.
pub fn diagnose(input: &CheckInput<'_>) -> Diagnosis {
    let findings = CHECKS.iter().flat_map(|check| check(input)).collect();
    Diagnosis { findings, read_errors: input.read_errors() }
}

impl Diagnosis {
    /// The number of findings with this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }

    /// The exit code: 2 if something could not be read, else 1 if there is an error (with `strict`: or a warning), else
    /// 0.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match () {
            () if !self.read_errors.is_empty() => 2,
            () if self.count(Severity::Error) > 0 || (strict && self.count(Severity::Warning) > 0) => 1,
            () => 0,
        }
    }
}
