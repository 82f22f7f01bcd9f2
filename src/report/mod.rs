//! What is said of many rulings; one renderer a file.

pub mod json;
pub mod text;

use crate::gateway::ObjectReference;
use crate::policy::{Finding, Level};
use std::ops::Range;

/// Everything that a look at some objects gave.
#[derive(Default)]
pub struct Report {
    /// What was found, in the order of the files.
    pub findings: Vec<ReportEntry>,
    /// What could not be looked at.
    pub errors: Vec<InputError>,
    /// Objects that were read, of any kind.
    pub objects: usize,
    /// Documents that are no Kubernetes objects.
    pub skipped: usize,
}

/// A ruling and its place in a file.
pub struct ReportEntry {
    /// File as it was given; `-` for stdin.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line of the file, with every value masked that is none to be shown.
    pub source_line: String,
    /// The characters of that line that are underlined, from 0.
    pub underline: Range<usize>,
    /// The object.
    pub identity: ObjectReference,
    /// What was found.
    pub finding: Finding,
}

/// Something that could not be looked at.
pub struct InputError {
    /// File or folder as it was given; `-` for stdin.
    pub file: String,
    /// Line, from 1, if it is known.
    pub line: Option<usize>,
    /// Column in characters, from 1, if it is known.
    pub column: Option<usize>,
    /// Why, and what to do.
    pub message: String,
}

impl Report {
    /// How many findings have this outcome.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|entry| entry.finding.level() == level).count()
    }

    /// The exit code: 2 if something could not be looked at, 1 if something is refused (`strict`: or mended), else 0.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match () {
            () if !self.errors.is_empty() => 2,
            () if self.count(Level::Error) > 0 || (strict && self.count(Level::Fixable) > 0) => 1,
            () => 0,
        }
    }
}

/// An outcome as reports write it.
fn word(level: Level) -> &'static str {
    match level {
        Level::Fixable => "fixable",
        Level::Error => "error",
        Level::Warning => "warning",
    }
}
