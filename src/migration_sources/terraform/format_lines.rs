//! The lines of a Terraform configuration as `terraform fmt` aligns them: with a heredoc or a comment of several lines they
//! are longer than a line of the text.

use std::ops::Range;

/// A line with the parts that `terraform fmt` aligns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its bytes, with its line break.
    pub(super) range: Range<usize>,
    /// The whitespace before the `=` of an attribute whose value is complete in this line.
    pub(super) before_sign: Option<Range<usize>>,
    /// The whitespace before a comment that follows something else.
    pub(super) before_comment: Option<Range<usize>>,
}

/// The lines of a configuration. A text that is not valid has some lines, too.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut scanner = Scanner {
        text,
        at: 0,
        templates: Vec::new(),
        is_in_quotes: false,
        start: 0,
        token_end: None,
        sign: None,
        comment: None,
        lines: Vec::new(),
    };
    while let Some(byte) = scanner.byte(0) {
        if scanner.is_in_quotes {
            scanner.quoted(byte);
        } else {
            scanner.code(byte);
        }
    }
    scanner.end_line();
    scanner.lines
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The open braces in each template (`${…}`) around this byte.
    templates: Vec<usize>,
    is_in_quotes: bool,
    /// The first byte of the line.
    start: usize,
    /// The end of the last token of the line.
    token_end: Option<usize>,
    /// The whitespace before the first `=`, and how many more brackets are opened than closed after it.
    sign: Option<(Range<usize>, isize)>,
    comment: Option<Range<usize>>,
    lines: Vec<Line>,
}

impl Scanner<'_> {
    fn byte(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + offset).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes past a token of this length.
    fn token(&mut self, length: usize) {
        self.at = (self.at + length).min(self.text.len());
        self.token_end = Some(self.at);
    }

    fn bracket(&mut self, change: isize) {
        if let Some((_, open)) = &mut self.sign {
            *open += change;
        }
    }

    fn code(&mut self, byte: u8) {
        match (byte, self.byte(1)) {
            (b'\n', _) => {
                self.at += 1;
                self.end_line();
            }
            (b' ' | b'\t' | b'\r', _) => self.at += 1,
            (b'#', _) | (b'/', Some(b'/')) => {
                self.comment = self.token_end.map(|end| end..self.at);
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            }
            (b'/', Some(b'*')) => {
                let length = self.rest().find("*/").map_or(self.rest().len(), |end| end + 2);
                self.token(length);
            }
            (b'"', _) => {
                self.is_in_quotes = true;
                self.token(1);
            }
            (b'<', Some(b'<')) => self.heredoc(),
            (b'=' | b'!' | b'<' | b'>', Some(b'=')) | (b'=', Some(b'>')) => self.token(2),
            (b'=', _) => {
                if let (Some(end), None) = (self.token_end, &self.sign) {
                    self.sign = Some((end..self.at, 0));
                }
                self.token(1);
            }
            (b'{' | b'[' | b'(', _) => self.open(byte),
            (b'}' | b']' | b')', _) => self.close(byte),
            _ => self.token(1),
        }
    }

    fn open(&mut self, byte: u8) {
        self.bracket(1);
        if let Some(braces) = self.templates.last_mut().filter(|_| byte == b'{') {
            *braces += 1;
        }
        self.token(1);
    }

    fn close(&mut self, byte: u8) {
        self.bracket(-1);
        match self.templates.last_mut().filter(|_| byte == b'}') {
            Some(0) => {
                self.templates.pop();
                self.is_in_quotes = true;
            }
            Some(braces) => *braces -= 1,
            None => {}
        }
        self.token(1);
    }

    fn quoted(&mut self, byte: u8) {
        match (byte, self.byte(1), self.byte(2)) {
            (b'"' | b'\n', ..) => {
                self.is_in_quotes = false;
                self.token(usize::from(byte == b'"'));
            }
            (b'\\', ..) => self.token(2),
            (b'$' | b'%', Some(next), Some(b'{')) if next == byte => self.token(3),
            (b'$' | b'%', Some(b'{'), _) => {
                self.bracket(1);
                self.templates.push(0);
                self.is_in_quotes = false;
                self.token(2);
            }
            _ => self.token(1),
        }
    }

    /// Goes past a heredoc, to the line break behind its end marker.
    fn heredoc(&mut self) {
        let rest = self.rest();
        let first = rest.split('\n').next().unwrap_or_default();
        let marker = first.trim_start_matches('<').trim_start_matches('-').trim();
        let is_marker =
            !marker.is_empty() && marker.chars().all(|letter| letter.is_alphanumeric() || "_-".contains(letter));
        if !is_marker {
            return self.token(2);
        }
        let mut length = 0;
        for (index, line) in rest.split_inclusive('\n').enumerate() {
            if index > 0 && line.trim() == marker {
                length += line.trim_end().len();
                break;
            }
            length += line.len();
        }
        self.token(length);
    }

    fn end_line(&mut self) {
        if self.start == self.at {
            return;
        }
        let sign = self.sign.take().filter(|(_, open)| *open == 0);
        self.lines.push(Line {
            range: self.start..self.at,
            before_sign: sign.map(|(space, _)| space),
            before_comment: self.comment.take(),
        });
        (self.start, self.token_end) = (self.at, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line with `|` before its `=` and `^` before its comment.
    fn marked(text: &str) -> Vec<String> {
        let mark = |line: &Line| {
            let mut marked = text.get(line.range.clone()).unwrap().to_owned();
            let marks = [(&line.before_comment, "^"), (&line.before_sign, "|")];
            for (at, mark) in marks.into_iter().filter_map(|(space, mark)| Some((space.as_ref()?.end, mark))) {
                marked.insert_str(at - line.range.start, mark);
            }
            marked
        };
        lines(text).iter().map(mark).collect()
    }

    #[test]
    fn the_sign_of_a_complete_value_is_found() {
        for (text, expected) in [
            ("a = 1 # b = c\n", &["a |= 1 ^# b = c\n"][..]),
            ("# a = 1\n\na=1", &["# a = 1\n", "\n", "a|=1"]),
            ("a = [ # b\n  1, 2] // c\n", &["a = [ ^# b\n", "  1, 2] ^// c\n"]),
            ("a = { b = 1 }\r\n", &["a |= { b = 1 }\r\n"]),
            ("a { b = 1 }\n", &["a { b = 1 }\n"]),
            ("{ b = 1, c = 2 },\n", &["{ b = 1, c = 2 },\n"]),
            ("a = b == c ? \"=\" : \"#${f(\"}\")}\\\"\" # d\n", &["a |= b == c ? \"=\" : \"#${f(\"}\")}\\\"\" ^# d\n"]),
            ("a = \"$${\" # {\n", &["a |= \"$${\" ^# {\n"]),
            ("a = \"${{b = 1}.b}\"\nc = 1\n", &["a |= \"${{b = 1}.b}\"\n", "c |= 1\n"]),
            ("a = <<-E\n  b = \"${c\n  E\nd = 1\n", &["a |= <<-E\n  b = \"${c\n  E\n", "d |= 1\n"]),
            ("a = 1 /* b = 1\n*/\nc = 1\n", &["a |= 1 /* b = 1\n*/\n", "c |= 1\n"]),
            ("a = 1 << 2\n", &["a |= 1 << 2\n"]),
            ("é = \"ü\"\n", &["é |= \"ü\"\n"]),
        ] {
            assert_eq!(marked(text), expected, "{text}");
        }
    }

    #[test]
    fn the_lines_of_any_text_are_the_text() {
        for text in ["", "\"", "\"${", "<<E", "a = <<E\nb", "/*", "\"\n{", "}", "\\", "\"\\", "a = \"é\\"] {
            let whole: String = lines(text).iter().map(|line| text.get(line.range.clone()).unwrap()).collect();
            assert_eq!(whole, text);
        }
    }
}
