//! The lines of a document.

use std::ops::Range;

/// The text of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl<'a> Text<'a> {
    pub(super) fn slice(self, range: &Range<usize>) -> &'a str {
        self.0.get(range.clone()).unwrap_or_default()
    }

    /// The line break of the first line.
    pub(super) fn line_break(self) -> &'static str {
        match self.0.find(['\n', '\r']).and_then(|at| self.0.get(at..)) {
            Some(rest) if rest.starts_with("\r\n") => "\r\n",
            Some(rest) if rest.starts_with('\r') => "\r",
            _ => "\n",
        }
    }

    /// The line break that ends the line with this byte, or else that before it; `None` for a single line.
    pub(super) fn near_line_break(self, at: usize) -> Option<&'a str> {
        let end = self.line_end(at);
        let after = end..end + self.break_at(end);
        let start = self.line_start(at);
        let before = start - self.break_before(start)..start;
        [after, before].iter().map(|range| self.slice(range)).find(|line_break| !line_break.is_empty())
    }

    /// The first byte of the line with this byte.
    pub(super) fn line_start(self, at: usize) -> usize {
        self.slice(&(0..at)).rfind(['\n', '\r']).map_or(0, |line_break| line_break + 1)
    }

    /// The end of the line with this byte, before its line break.
    pub(super) fn line_end(self, at: usize) -> usize {
        self.0.get(at..).and_then(|rest| rest.find(['\n', '\r'])).map_or(self.0.len(), |line_break| at + line_break)
    }

    /// The whole lines of a range, with a line break: the last, or that before the first if the text ends without one.
    pub(super) fn lines(self, range: &Range<usize>) -> Range<usize> {
        let (start, end) = (self.line_start(range.start), self.line_end(range.end));
        match self.break_at(end) {
            0 => start - self.break_before(start)..end,
            length => start..end + length,
        }
    }

    /// The column of a byte, from 0, in bytes.
    pub(super) fn column(self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// Returns true if only spaces are before this byte in its line.
    pub(super) fn is_first(self, at: usize) -> bool {
        self.slice(&(self.line_start(at)..at)).bytes().all(|byte| byte == b' ' || byte == b'\t')
    }

    /// The columns by which the line with this byte is indented; a tab is one.
    pub(super) fn indentation(self, at: usize) -> usize {
        let line = self.slice(&(self.line_start(at)..self.line_end(at)));
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// The length of the line break at this byte.
    fn break_at(self, at: usize) -> usize {
        match self.0.get(at..) {
            Some(rest) if rest.starts_with("\r\n") => 2,
            Some(rest) if rest.starts_with(['\n', '\r']) => 1,
            _ => 0,
        }
    }

    /// The length of the line break before this byte.
    fn break_before(self, at: usize) -> usize {
        match self.0.get(..at) {
            Some(text) if text.ends_with("\r\n") => 2,
            Some(text) if text.ends_with(['\n', '\r']) => 1,
            _ => 0,
        }
    }
}
