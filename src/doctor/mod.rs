//! What is wrong with an installation of ours, and how to mend it. Pure: everything was read before, by `cluster`.
//!
//! [`diagnose`] makes every examination of [`CHECKS`], each a function of the [`CheckInput`] alone. What could not be read
//! is told once, and the examinations that would need it say nothing.

mod api_server;
mod ca_bundles;
mod check_input;
mod code;
mod cure;
mod finding;
pub mod json;
mod namespaces;
mod other_webhooks;
mod probe;
mod replicas;
pub mod text;
mod webhook_entries;

pub use check_input::{CheckInput, Probe};
pub use code::{Code, Severity};
pub use finding::{DoctorFinding, Location, ObjectName};
pub use probe::{deployment, namespace_to_probe};

use crate::cluster::ReadError;

/// Something to look at.
pub type Check = fn(&CheckInput<'_>) -> Vec<DoctorFinding>;

/// All that is looked at, in the order of the report.
pub const CHECKS: &[Check] = &[
    api_server::is_supported,
    api_server::clocks_agree,
    api_server::issuer_is_public,
    replicas::are_there,
    replicas::are_of_one_version,
    replicas::run,
    replicas::outlive_a_drain,
    webhook_entries::are_there,
    webhook_entries::are_as_the_chart_makes_them,
    webhook_entries::lead_to_the_service,
    other_webhooks::are_left_alone,
    other_webhooks::is_before_workload_identity,
    ca_bundles::are_kept,
    ca_bundles::are_trusted,
    namespaces::are_understood,
    namespaces::are_judged,
    probe::was_answered,
];

/// What came of all examinations.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// What is wrong.
    pub findings: Vec<DoctorFinding>,
    /// What could not be examined.
    pub read_errors: Vec<ReadError>,
}

/// Makes every examination.
pub fn diagnose(input: &CheckInput<'_>) -> Diagnosis {
    let findings = CHECKS.iter().flat_map(|examination| examination(input)).collect();
    Diagnosis { findings, read_errors: input.read_errors() }
}

impl Diagnosis {
    /// How many findings are so grave.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }

    /// The exit code: 2 if something could not be examined, 1 if there is an error (`strict`: or a warning), else 0.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match () {
            () if !self.read_errors.is_empty() => 2,
            () if self.count(Severity::Error) > 0 || (strict && self.count(Severity::Warning) > 0) => 1,
            () => 0,
        }
    }
}
