//! What came out of a check.

use crate::cluster::ReadError;
use apim_keyless_report::{Check, CheckStatus, Diagnostic, Failure, Level, Location, Report};

/// What came out of a check.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Everything that it needs was read. Without problems it has passed.
    Found(Vec<Diagnostic>),
    /// Something that it needs could not be read.
    Unknown,
    /// This installation does not have what it is about.
    NotApplicable,
}

impl Outcome {
    /// No problem was found.
    pub(crate) const PASSED: Self = Self::Found(Vec::new());

    /// One problem was found.
    pub(crate) fn found(problem: Diagnostic) -> Self {
        Self::Found(vec![problem])
    }

    /// The problems that were found. If there are none, it has passed only if everything that it needs `is_known`.
    pub(crate) fn of(problems: Vec<Diagnostic>, is_known: bool) -> Self {
        if problems.is_empty() && !is_known { Self::Unknown } else { Self::Found(problems) }
    }

    /// The status in the report.
    pub(crate) fn status(&self) -> CheckStatus {
        match self {
            Self::Unknown => CheckStatus::Unknown,
            Self::NotApplicable => CheckStatus::Skipped,
            Self::Found(problems) => match problems.iter().map(|problem| problem.level).max() {
                None => CheckStatus::Passed,
                Some(Level::Error) => CheckStatus::Error,
                Some(Level::Fixable | Level::Warning) => CheckStatus::Warning,
            },
        }
    }

    /// The problems.
    pub(crate) fn into_findings(self) -> Vec<Diagnostic> {
        match self {
            Self::Found(problems) => problems,
            Self::Unknown | Self::NotApplicable => Vec::new(),
        }
    }
}

/// The report of checks, each with its id, its title and what came out of it. What could not be read is a failure.
pub(crate) fn report_of(
    outcomes: impl Iterator<Item = (&'static str, &'static str, Outcome)>,
    unread: impl IntoIterator<Item = ReadError>,
) -> Report {
    let (mut findings, mut checks) = (Vec::new(), Vec::new());
    for (id, title, outcome) in outcomes {
        checks.push(Check { id, title, status: outcome.status() });
        findings.extend(outcome.into_findings());
    }
    let failure = |error: ReadError| Failure { location: Location::default(), message: error.to_string() };
    let failures = unread.into_iter().map(failure).collect();
    let mut report = Report { findings, checks: Some(checks), failures, ..Report::default() };
    report.number_fingerprints();
    report
}
