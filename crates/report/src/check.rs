//! The checks of `doctor`, of which a report lists also those that passed.

use super::Report;
use std::fmt::Write;

/// A check of an installation, and what came out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its id.
    pub id: &'static str,
    /// What is true if it passes.
    pub title: &'static str,
    /// What came out of it.
    pub status: CheckStatus,
}

/// What came out of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// It found an error.
    Error,
    /// It found nothing.
    Passed,
    /// The installation does not have what it is about.
    Skipped,
    /// Something that it needs could not be read.
    Unknown,
    /// It found a warning and no error.
    Warning,
}

impl CheckStatus {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
        }
    }

    /// The mark in text: a column of marks is read faster than a column of words.
    fn mark(self) -> &'static str {
        match self {
            Self::Error => "\u{1b}[31m\u{d7}\u{1b}[0m",
            Self::Passed => "\u{1b}[32m\u{221a}\u{1b}[0m",
            Self::Skipped => "-",
            Self::Unknown => "?",
            Self::Warning => "\u{1b}[33m\u{203c}\u{1b}[0m",
        }
    }
}

/// A line for each check, and an empty one; nothing for a command without checks.
pub(super) fn lines(report: &Report) -> String {
    let mut text = String::new();
    for check in report.checks.iter().flatten() {
        let reason = match check.status {
            CheckStatus::Skipped => " (not applicable)",
            CheckStatus::Unknown => " (unknown)",
            _ => "",
        };
        // Writing to a String cannot fail.
        _ = writeln!(text, "{} {}{reason}", check.status.mark(), check.title);
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// `; 16 of 18 checks passed`; nothing for a command without checks.
pub(super) fn summary(report: &Report) -> String {
    let Some(checks) = &report.checks else { return String::new() };
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let (applicable, passed) = (checks.len() - count(CheckStatus::Skipped), count(CheckStatus::Passed));
    let unknown = match count(CheckStatus::Unknown) {
        0 => String::new(),
        number => format!(", {number} unknown"),
    };
    format!("; {passed} of {applicable} checks passed{unknown}")
}

/// Whether there are checks, and none of them could be made.
pub(super) fn is_nothing_checked(report: &Report) -> bool {
    let is_made = |status| !matches!(status, CheckStatus::Unknown | CheckStatus::Skipped);
    report.checks.as_ref().is_some_and(|checks| !checks.iter().any(|check| is_made(check.status)))
}
