//! Commands in scripts: the words of a command line of a shell, of PowerShell, of a Makefile or of a step in YAML, with
//! their places.

use std::ops::Range;

/// Characters that continue a line at its end: of a shell or a Makefile, of PowerShell, of Windows' command line.
const CONTINUATIONS: [char; 3] = ['\\', '`', '^'];

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its bytes in the text, with its quotes.
    pub(super) range: Range<usize>,
    /// Its text without quotes.
    pub(super) text: String,
}

/// The words of the command that begins at this byte. It ends at a line break that nothing continues, or where another
/// command begins. A next line that begins with `--` continues it, too: folded texts of YAML have no other mark.
pub(super) fn words(text: &str, start: usize) -> Vec<Word> {
    let mut reader = Reader { text, at: start, words: Vec::new() };
    while reader.next_word() {}
    reader.words
}

/// The line, from 1, of a byte.
pub(super) fn line(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    words: Vec<Word>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Reads a word; returns false at the end of the command.
    fn next_word(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let after = rest.get(spaces..).unwrap_or_default();
            if let Some(length) = continuation(after).or_else(|| folded_line(after)) {
                self.at += spaces + length;
                continue;
            }
            self.at += spaces;
            break;
        }
        let start = self.at;
        let mut word = String::new();
        while let Some(first) = self.rest().chars().next() {
            let is_end = first.is_whitespace() || ";|&)<>".contains(first);
            if is_end || (self.at > start && continuation(self.rest()).is_some()) {
                break;
            }
            let (length, part) = part(self.rest());
            self.at += length;
            word += &part;
        }
        if self.at > start {
            self.words.push(Word { range: start..self.at, text: word });
        }
        self.at > start
    }
}

/// The length of a mark at the end of a line, with the line break.
fn continuation(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(CONTINUATIONS)?;
    let end = rest.find('\n').map_or(rest.len(), |line_break| line_break + 1);
    rest.get(..end)?.trim().is_empty().then_some(1 + end)
}

/// The length of a line break before a line that begins with a flag.
fn folded_line(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n'))?;
    rest.trim_start_matches([' ', '\t']).starts_with("--").then_some(text.len() - rest.len())
}

/// The length and the text of the first part of a word: a quoted text, a substitution, or a character.
fn part(text: &str) -> (usize, String) {
    let whole = |length: usize| (length, text.get(..length).unwrap_or_default().to_owned());
    for (opening, closing) in [("${{", "}}"), ("{{", "}}"), ("$(", ")"), ("${", "}")] {
        if text.starts_with(opening)
            && let Some(end) = text.find(closing)
        {
            return whole(end + closing.len());
        }
    }
    let Some(first) = text.chars().next() else { return (0, String::new()) };
    match first {
        '\'' => {
            let inside = text.get(1..).unwrap_or_default();
            let end = inside.find('\'').unwrap_or(inside.len());
            ((end + 2).min(text.len()), inside.get(..end).unwrap_or_default().to_owned())
        }
        '"' => {
            let mut is_escaped = false;
            let end = text.char_indices().skip(1).find(|(_, character)| {
                let is_end = *character == '"' && !is_escaped;
                is_escaped = CONTINUATIONS.contains(character) && !is_escaped;
                is_end
            });
            let end = end.map_or(text.len(), |(at, _)| at);
            ((end + 1).min(text.len()), text.get(1..end).unwrap_or_default().replace("\\\"", "\""))
        }
        '\\' => match text.chars().nth(1) {
            // `\.` is Helm's own escape where quotes are around it; without quotes a shell removes the backslash
            Some(next) if next != '\n' => (1 + next.len_utf8(), next.to_string()),
            _ => (1, String::new()),
        },
        other => (other.len_utf8(), other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text, 0).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_end_as_in_a_shell() {
        assert_eq!(texts("helm upgrade a b --set 'x=y z' && echo"), ["helm", "upgrade", "a", "b", "--set", "x=y z"]);
        assert_eq!(texts("helm a \\\n  --set x=\"$(cat f)\" \\\n  b\nc"), ["helm", "a", "--set", "x=$(cat f)", "b"]);
        assert_eq!(texts("helm a `\r\n  b\r\nc"), ["helm", "a", "b"]);
        assert_eq!(
            texts("helm a\n    --set b=${{ secrets.A }}\n  - run: c"),
            ["helm", "a", "--set", "b=${{ secrets.A }}"]
        );
        assert_eq!(texts("helm a=='b' \"c"), ["helm", "a==b", "c"]);
        assert_eq!(texts("helm 'a"), ["helm", "a"]);
        assert_eq!(texts("helm \\"), ["helm"]);
    }

    #[test]
    fn a_word_has_its_place() {
        let text = "x; helm a";
        let words = words(text, 3);
        assert_eq!(words[1].range, 8..9);
        assert_eq!(line("a\nb\nc", 4), 3);
    }
}
