//! Splits a file into its documents: the parser stops at the first error of a stream, and one malformed document must
//! not hide the others.

use super::source::{Line, SourceFile};

/// One document of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    /// Number of lines of the file before it.
    pub(super) lines_before: usize,
    /// Number of characters before it in its first line.
    pub(super) columns_before: usize,
    /// Offset of its first byte in the file.
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl Document<'_> {
    /// The line and column in the file of a line and column in the document.
    pub(super) fn place(&self, line: usize, column: usize) -> (usize, usize) {
        let columns_before = if line <= 1 { self.columns_before } else { 0 };
        (line.saturating_add(self.lines_before), column.saturating_add(columns_before))
    }

    /// The line and column of its first key or element.
    pub(super) fn first_place(&self) -> (usize, usize) {
        let lines = self.text.lines().enumerate();
        let mut with_content = lines.filter(|(_, line)| !is_bare(line) && !is_marker(line, "---"));
        let (index, line) = with_content.next().unwrap_or_default();
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        self.place(index + 1, indentation + 1)
    }

    /// The document up to a byte at which a line starts, and the document from there.
    pub(super) fn split_at_line(&self, at: usize) -> (Self, Self) {
        let (before, after) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        let lines = before.bytes().filter(|byte| *byte == b'\n').count();
        let after = Self {
            lines_before: self.lines_before + lines,
            columns_before: 0,
            start: self.start + before.len(),
            text: after,
        };
        (Self { text: before, ..*self }, after)
    }
}

/// The documents of a file. Empty lines, comments and directives alone are not a document.
pub(super) fn split(source: &SourceFile) -> Vec<Document<'_>> {
    let mut splitter = Splitter { source, documents: Vec::new(), lines_before: 0, start: 0, has_content: false };
    for line in source.lines() {
        splitter.take(line);
    }
    splitter.close(source.text.len(), 0);
    splitter.documents
}

struct Splitter<'a> {
    source: &'a SourceFile,
    documents: Vec<Document<'a>>,
    lines_before: usize,
    start: usize,
    has_content: bool,
}

impl Splitter<'_> {
    fn take(&mut self, line: Line<'_>) {
        if is_marker(line.text, "---") {
            // directives and comments before the first marker belong to the document that the marker starts
            if self.has_content {
                self.close(line.start, line.number - 1);
            }
            self.has_content = true;
        } else if is_marker(line.text, "...") {
            let end = self.source.line(line.number + 1).map_or(self.source.text.len(), |next| next.start);
            self.close(end, line.number);
        } else if !is_bare(line.text) {
            self.has_content = true;
        }
    }

    fn close(&mut self, end: usize, lines_before: usize) {
        if let Some(text) = self.source.text.get(self.start..end).filter(|_| self.has_content) {
            self.documents.push(Document {
                lines_before: self.lines_before,
                columns_before: 0,
                start: self.start,
                text,
            });
        }
        (self.start, self.lines_before, self.has_content) = (end, lines_before, false);
    }
}

pub(super) fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn is_bare(line: &str) -> bool {
    let text = line.trim_start_matches([' ', '\t']);
    text.is_empty() || text.starts_with('#') || line.starts_with('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, String)> {
        let source = SourceFile::new("a", text);
        split(&source).into_iter().map(|document| (document.lines_before, document.text.to_owned())).collect()
    }

    #[test]
    fn documents_start_at_their_markers() {
        assert_eq!(
            texts("# c\n---\na: 1\n--- # two\nb: 1\n---\n"),
            [(0, "# c\n---\na: 1\n".to_owned()), (3, "--- # two\nb: 1\n".to_owned()), (5, "---\n".to_owned())]
        );
    }

    #[test]
    fn three_dots_end_a_document() {
        assert_eq!(texts("a: 1\n...\n# c\n"), [(0, "a: 1\n...\n".to_owned())]);
        assert_eq!(texts("a: 1\n...\nb: 1"), [(0, "a: 1\n...\n".to_owned()), (2, "b: 1".to_owned())]);
    }

    #[test]
    fn directives_stay_with_their_document() {
        assert_eq!(texts("%YAML 1.2\n---\na: 1\n"), [(0, "%YAML 1.2\n---\na: 1\n".to_owned())]);
    }

    #[test]
    fn similar_text_is_not_a_marker() {
        assert_eq!(texts("a: |\n  ---\n---b\n----\n").len(), 1);
    }

    #[test]
    fn comments_alone_are_not_a_document() {
        assert!(texts("# c\n\n  # d\r\n").is_empty() && texts("").is_empty());
    }

    #[test]
    fn carriage_returns_do_not_hide_a_marker() {
        assert_eq!(texts("a: 1\r\n---\r\nb: 1\r\n").len(), 2);
    }
}
