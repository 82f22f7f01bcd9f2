//! Changes in the text of a Terraform configuration.

use super::alignment::aligned;
use crate::migration_sources::lines::Lines;
use apim_keyless_manifest::rewrite::TextChange;
use hcl_edit::Span;
use std::ops::Range;

/// A text and its changes.
pub(super) struct Editor<'t> {
    pub(super) text: &'t str,
    lines: Lines,
    changes: Vec<TextChange>,
}

impl<'t> Editor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, lines: Lines::of(text), changes: Vec::new() }
    }

    /// The number of changes, to go back to with [`Self::undo`].
    pub(super) fn mark(&self) -> usize {
        self.changes.len()
    }

    /// Takes back the changes since a mark.
    pub(super) fn undo(&mut self, mark: usize) {
        self.changes.truncate(mark);
    }

    /// The text of a part of the configuration.
    pub(super) fn slice(&self, part: &impl Span) -> &'t str {
        part.span().and_then(|range| self.text.get(range)).unwrap_or_default()
    }

    /// The line, from 1, of a part of the configuration.
    pub(super) fn line(&self, part: &impl Span) -> usize {
        self.line_at(part.span().map_or(0, |range| range.start))
    }

    /// The line, from 1, of a byte.
    pub(super) fn line_at(&self, byte: usize) -> usize {
        self.lines.at(byte)
    }

    /// Replaces a part. New lines end like the line in which it begins.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        let text: String = text.into();
        let has_own = text.contains("\r\n") || !text.contains('\n');
        let text = if has_own { text } else { text.replace('\n', self.line_break(range.start)) };
        self.changes.push(TextChange { range, text });
    }

    /// Removes the lines of a part. Returns false if something else is in its lines.
    pub(super) fn remove_lines(&mut self, range: &Range<usize>) -> bool {
        let start = self.line_start(range.start);
        let before = self.text.get(start..range.start).unwrap_or_default();
        let rest = self.text.get(range.end..).unwrap_or_default();
        let end = rest.find('\n').map_or(rest.len(), |line_break| line_break + 1);
        let after = rest.get(..end).unwrap_or_default().trim();
        let after = after.strip_prefix(',').unwrap_or(after).trim_start();
        let is_alone = before.trim().is_empty() && (after.is_empty() || after.starts_with(['#', '/']));
        if is_alone {
            self.replace(start..range.end + end, String::new());
        }
        is_alone
    }

    /// Inserts lines after the line in which a part ends.
    pub(super) fn insert_lines(&mut self, end: usize, lines: &str) {
        let rest = self.text.get(end..).unwrap_or_default();
        let at = end + rest.find('\n').unwrap_or(rest.len());
        let at = if self.text.get(..at).is_some_and(|before| before.ends_with('\r')) { at - 1 } else { at };
        let text = lines.lines().fold(String::new(), |text, line| text + "\n" + line);
        self.replace(at..at, text);
    }

    /// The whitespace before the first character of the line with this byte.
    pub(super) fn indentation(&self, at: usize) -> &'t str {
        let line = self.text.get(self.line_start(at)..).unwrap_or_default();
        let length = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..length).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |line_break| line_break + 1)
    }

    /// The line break of the line with this byte; of the last line, that of the line before it.
    fn line_break(&self, at: usize) -> &'static str {
        let rest = self.text.get(at..).unwrap_or_default();
        let end = rest.find('\n').map(|length| at + length).or_else(|| self.line_start(at).checked_sub(1));
        let is_windows = end.and_then(|end| self.text.get(..end)).is_some_and(|before| before.ends_with('\r'));
        if is_windows { "\r\n" } else { "\n" }
    }

    /// The text with its changes, aligned like what is around them. `None` if two are in the same place.
    pub(super) fn finish(mut self) -> Option<String> {
        self.changes.sort_by_key(|change| (change.range.start, change.range.end));
        let is_in_order = |pair: &[TextChange]| matches!(pair, [one, other] if one.range.end <= other.range.start);
        self.changes.windows(2).all(is_in_order).then(|| aligned(self.text, &self.changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_lines_end_like_those_around_them() {
        for (text, expected) in [
            ("a = 1\r\nb = 2\r\n", "a = {\r\n}\r\nc = 3\r\nb = 2\r\n"),
            ("a = 1\nb = 2\r\n", "a = {\n}\nc = 3\nb = 2\r\n"),
            ("a = 1\r\nb = 2\n", "a = {\r\n}\r\nc = 3\r\nb = 2\n"),
            ("a = 1", "a = {\n}\nc = 3"),
        ] {
            let mut editor = Editor::new(text);
            editor.replace(4..5, "{\n}");
            editor.insert_lines(5, "c = 3\n");
            assert_eq!(editor.finish().as_deref(), Some(expected), "{text:?}");
        }
        let mut editor = Editor::new("\r\na = 1");
        editor.insert_lines(7, "c = 3\n");
        assert_eq!(editor.finish().as_deref(), Some("\r\na = 1\r\nc = 3"));
    }
}
