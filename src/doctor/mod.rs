//! What is wrong with an installation of ours, and how to mend it. Pure: everything was read before, by `cluster`.
//!
//! [`diagnose`] makes every examination of [`EXAMINATIONS`], each a function of the [`Case`] alone. What could not be read
//! is told once, and the examinations that would need it say nothing.

mod authorities;
mod case;
mod cure;
mod entries;
mod fault;
mod finding;
pub mod json;
mod namespaces;
mod order;
mod probe;
mod replicas;
mod selectors;
mod server;
pub mod text;

pub use case::{Case, Probe};
pub use fault::{Fault, Severity};
pub use finding::{Finding, Object, Place};
pub use probe::{deployment, namespace_to_probe};

use crate::cluster::Unread;

/// Something to look at.
pub type Examination = fn(&Case<'_>) -> Vec<Finding>;

/// All that is looked at, in the order of the report.
pub const EXAMINATIONS: &[Examination] = &[
    server::is_supported,
    server::clocks_agree,
    server::issuer_is_public,
    replicas::are_there,
    replicas::are_of_one_version,
    replicas::run,
    replicas::outlive_a_drain,
    entries::are_there,
    entries::are_as_the_chart_makes_them,
    entries::lead_to_the_service,
    selectors::are_left_alone,
    order::is_before_workload_identity,
    authorities::are_kept,
    authorities::are_trusted,
    namespaces::are_understood,
    namespaces::are_judged,
    probe::was_answered,
];

/// What came of all examinations.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could not be examined.
    pub unread: Vec<Unread>,
}

/// Makes every examination.
pub fn diagnose(case: &Case<'_>) -> Diagnosis {
    let findings = EXAMINATIONS.iter().flat_map(|examination| examination(case)).collect();
    Diagnosis { findings, unread: case.unread() }
}

impl Diagnosis {
    /// How many findings are so grave.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }

    /// The exit code: 2 if something could not be examined, 1 if there is an error (`strict`: or a warning), else 0.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match () {
            () if !self.unread.is_empty() => 2,
            () if self.count(Severity::Error) > 0 || (strict && self.count(Severity::Warning) > 0) => 1,
            () => 0,
        }
    }
}
