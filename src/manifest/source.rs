//! The whole text of a file, and where its lines begin.

/// A file that was read.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) name: String,
    pub(super) text: String,
    starts: Vec<usize>,
}

/// One line of a file, without its line break.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// 1-based.
    pub(super) number: usize,
    /// The byte of the file that the line begins with.
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl SourceFile {
    /// `text` as the file `name` holds it, without its byte order mark.
    pub(super) fn new(name: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let starts = line_starts(&text);
        Self { name: name.to_owned(), text, starts }
    }

    /// Every line in turn.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        (1..=self.starts.len()).filter_map(|number| self.line(number))
    }

    /// The line that a byte stands in.
    pub(super) fn line_at(&self, byte: usize) -> Option<Line<'_>> {
        self.line(self.starts.partition_point(|start| *start <= byte))
    }

    /// The line of a 1-based number.
    pub(super) fn line(&self, number: usize) -> Option<Line<'_>> {
        let start = *self.starts.get(number.checked_sub(1)?)?;
        let end = self.starts.get(number).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end)?.trim_end_matches(['\n', '\r']);
        Some(Line { number, start, text })
    }
}

/// A carriage return alone breaks a line too: YAML says so, and the places of the parser count it.
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
    fn lines_end_at_any_of_the_three_breaks() {
        let source = SourceFile::new("a", "one\ntwo\r\nthree\rfour");
        let lines: Vec<_> = source.lines().map(|line| (line.number, line.start, line.text)).collect();
        assert_eq!(lines, [(1, 0, "one"), (2, 4, "two"), (3, 9, "three"), (4, 15, "four")]);
        assert!(source.line(0).is_none() && source.line(5).is_none());
    }

    #[test]
    fn a_byte_stands_in_its_line() {
        let source = SourceFile::new("a", "one\ntwo\n");
        let number = |byte| source.line_at(byte).map(|line| line.number);
        assert_eq!([0, 3, 4, 7].map(number), [Some(1), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(SourceFile::new("a", "\u{feff}a: 1\n").text, "a: 1\n");
    }

    #[test]
    fn an_empty_file_has_no_line() {
        assert_eq!(SourceFile::new("a", "").lines().count(), 0);
    }
}
