//! The text of a file and the offsets of its lines.

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a file.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) name: String,
    pub(super) text: String,
    starts: Vec<usize>,
}

/// One line of a file, without its line break.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Line number, from 1.
    pub(super) number: usize,
    /// Offset of its first byte in the file.
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl SourceFile {
    /// A file `name` with the content `text`; a byte order mark is removed.
    pub(super) fn new(name: &str, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len_utf8());
        }
        let starts = line_starts(&text);
        Self { name: name.to_owned(), text, starts }
    }

    /// All lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        (1..=self.starts.len()).filter_map(|number| self.line(number))
    }

    /// The line that contains the byte at an offset.
    pub(super) fn line_at(&self, byte: usize) -> Option<Line<'_>> {
        self.line(self.starts.partition_point(|start| *start <= byte))
    }

    /// The line and the column of the byte at an offset, from 1.
    pub(super) fn line_and_column(&self, byte: usize) -> Option<(usize, usize)> {
        let line = self.line_at(byte)?;
        let before = self.text.get(line.start..byte)?;
        Some((line.number, before.chars().count() + 1))
    }

    /// The number of the line with the byte at an offset, and the offset of its first byte. The end of a text that ends
    /// with a line break is in a line of its own.
    pub(super) fn line_start_of(&self, byte: usize) -> Option<(usize, usize)> {
        if byte == self.text.len() && (byte == 0 || self.text.ends_with(['\n', '\r'])) {
            return Some((self.starts.len() + 1, byte));
        }
        self.line_at(byte).map(|line| (line.number, line.start))
    }

    /// The line with a number, from 1.
    pub(super) fn line(&self, number: usize) -> Option<Line<'_>> {
        let start = *self.starts.get(number.checked_sub(1)?)?;
        let end = self.starts.get(number).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end)?.trim_end_matches(['\n', '\r']);
        Some(Line { number, start, text })
    }
}

/// A single carriage return is a line break too: YAML says so, and the parser's positions count it.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let breaks = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).filter(|start| *start < bytes.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_any_of_the_three_line_breaks() {
        let source = SourceFile::new("a", "one\ntwo\r\nthree\rfour");
        let lines: Vec<_> = source.lines().map(|line| (line.number, line.start, line.text)).collect();
        assert_eq!(lines, [(1, 0, "one"), (2, 4, "two"), (3, 9, "three"), (4, 15, "four")]);
        assert!(source.line(0).is_none() && source.line(5).is_none());
    }

    #[test]
    fn a_byte_is_in_its_line() {
        let source = SourceFile::new("a", "one\ntwo\n");
        let number = |byte| source.line_at(byte).map(|line| line.number);
        assert_eq!([0, 3, 4, 7].map(number), [Some(1), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn the_end_of_a_text_is_after_its_last_line() {
        assert_eq!(SourceFile::new("a", "one\ntwo").line_start_of(7), Some((2, 4)));
        assert_eq!(SourceFile::new("a", "one\n").line_start_of(4), Some((2, 4)));
        assert_eq!(SourceFile::new("a", "").line_start_of(0), Some((1, 0)));
    }

    #[test]
    fn a_byte_order_mark_is_removed() {
        assert_eq!(SourceFile::new("a", "\u{feff}a: 1\n").text, "a: 1\n");
    }

    #[test]
    fn an_empty_file_has_no_line() {
        assert_eq!(SourceFile::new("a", "").lines().count(), 0);
    }
}
