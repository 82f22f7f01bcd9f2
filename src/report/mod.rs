//! The report of `check`: findings, failures and a summary. Each renderer has its own file.

pub mod json;
pub mod text;

use crate::gateway::ObjectReference;
use crate::policy::{Finding, Level};
use std::ops::Range;

/// The result of a check.
#[derive(Default)]
pub struct Report {
    /// The findings, in the order of the files.
    pub findings: Vec<ReportEntry>,
    /// Files, documents and objects that could not be evaluated.
    pub failures: Vec<InputError>,
    /// Number of objects that were read, of any kind.
    pub objects: usize,
    /// Number of documents that are not Kubernetes objects.
    pub skipped: usize,
}

/// A finding and its position in a file.
pub struct ReportEntry {
    /// Path of the file as given; `-` for stdin.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line of the file. Every value that is not known to be harmless is masked.
    pub source_line: String,
    /// The underlined characters of `source_line`, from 0.
    pub underline: Range<usize>,
    /// The object.
    pub identity: ObjectReference,
    /// The finding.
    pub finding: Finding,
}

/// A file, document or object that could not be evaluated.
pub struct InputError {
    /// Path of the file or folder as given; `-` for stdin.
    pub file: String,
    /// Line, from 1, if it is known.
    pub line: Option<usize>,
    /// Column in characters, from 1, if it is known.
    pub column: Option<usize>,
    /// Cause and fix.
    pub message: String,
}

impl Report {
    /// Number of findings of this level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|entry| entry.finding.level() == level).count()
    }

    /// The exit code: 2 if something could not be evaluated, 1 if there is an error (`strict`: or a fixable finding),
    /// else 0.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match () {
            () if !self.failures.is_empty() => 2,
            () if self.count(Level::Error) > 0 || (strict && self.count(Level::Fixable) > 0) => 1,
            () => 0,
        }
    }
}
