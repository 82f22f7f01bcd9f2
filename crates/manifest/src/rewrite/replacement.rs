//! The changes of a file as lines and columns.

use super::file::FileRewrite;
use crate::source::SourceFile;

/// A replaced range of a file. Lines and columns are from 1, columns in code points; the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The index of the object's change that it belongs to.
    pub index: usize,
    /// First line and column.
    pub start: (usize, usize),
    /// Line and column after the last character; of an insertion, the start.
    pub end: (usize, usize),
    /// The new text.
    pub text: String,
}

impl FileRewrite {
    /// The replaced ranges in order, with lines and columns.
    pub fn replacements(&self) -> Vec<Replacement> {
        let source = SourceFile::new("", self.before.clone());
        let mut columns = Columns { source: &source, line_start: 0, byte: 0, characters: 0 };
        let replaced = self.changes.iter().zip(&self.owners);
        let replaced = replaced.map(|(change, index)| Replacement {
            index: *index,
            start: columns.place(change.range.start),
            end: columns.place(change.range.end),
            text: change.text.clone(),
        });
        replaced.collect()
    }
}

/// Counts the columns of ascending bytes, so that a long line is counted once.
struct Columns<'s> {
    source: &'s SourceFile,
    line_start: usize,
    byte: usize,
    /// Number of characters between both.
    characters: usize,
}

impl Columns<'_> {
    fn place(&mut self, byte: usize) -> (usize, usize) {
        let Some((line, start)) = self.source.line_start_of(byte) else { return (1, 1) };
        if start != self.line_start || byte < self.byte {
            (self.line_start, self.byte, self.characters) = (start, start, 0);
        }
        self.characters += self.source.text.get(self.byte..byte).map_or(0, |text| text.chars().count());
        self.byte = byte;
        (line, self.characters + 1)
    }
}
