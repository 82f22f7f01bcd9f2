//! What is said of many rulings; one renderer a file.

pub mod json;
pub mod text;

use crate::gateway::Identity;
use crate::policy::{Outcome, Ruling};
use std::ops::Range;

/// Everything that a look at some objects gave.
#[derive(Default)]
pub struct Report {
    /// What was found, in the order of the files.
    pub findings: Vec<Entry>,
    /// What could not be looked at.
    pub errors: Vec<Unread>,
    /// Objects that were read, of any kind.
    pub objects: usize,
    /// Documents that are no Kubernetes objects.
    pub skipped: usize,
}

/// A ruling and its place in a file.
pub struct Entry {
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
    pub identity: Identity,
    /// What was found.
    pub ruling: Ruling,
}

/// Something that could not be looked at.
pub struct Unread {
    /// File or folder as it was given; `-` for stdin.
    pub file: String,
    /// Line, from 1, if it is known.
    pub line: Option<usize>,
    /// Column in characters, from 1, if it is known.
    pub column: Option<usize>,
    /// Why, and what to do.
    pub problem: String,
}

impl Report {
    /// How many findings have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.findings.iter().filter(|entry| entry.ruling.outcome() == outcome).count()
    }

    /// The exit code: 2 if something could not be looked at, 1 if something is refused (`strict`: or mended), else 0.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match () {
            () if !self.errors.is_empty() => 2,
            () if self.count(Outcome::Refused) > 0 || (strict && self.count(Outcome::Mended) > 0) => 1,
            () => 0,
        }
    }
}

/// An outcome as reports write it.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Mended => "mended",
        Outcome::Refused => "refused",
        Outcome::Remarked => "remarked",
    }
}
