//! Commands in scripts: the words of a command line of a shell, of PowerShell, of a Makefile or of a step in YAML, with
//! their places.

use std::collections::HashMap;
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

/// A text with commands. Each of its bytes is read as often as it has substitutions around it that have commands themselves.
pub(super) struct ShellText<'t> {
    text: &'t str,
    /// Where each `$(` ends, behind its parenthesis.
    substitutions: HashMap<usize, usize>,
    /// The places of closing braces, and of pairs of them.
    braces: Vec<usize>,
    pairs: Vec<usize>,
}

/// The words of a command.
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// The bytes of the command, without those in substitutions, which can have commands of their own.
    pub(super) read: Vec<Range<usize>>,
}

impl<'t> ShellText<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let (mut open, mut substitutions) = (Vec::new(), HashMap::new());
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'(' {
                open.push(at);
            }
            let start = if *byte == b')' { open.pop() } else { None };
            let start = start.and_then(|start: usize| start.checked_sub(1));
            if let Some(start) = start.filter(|start| bytes.get(*start) == Some(&b'$')) {
                substitutions.insert(start, at + 1);
            }
        }
        let places = |mark: &str| text.match_indices(mark).map(|(at, _)| at).collect();
        Self { text, substitutions, braces: places("}"), pairs: places("}}") }
    }

    /// The words of the command that begins at this byte. It ends at a line break that nothing continues, or where another
    /// command begins. A next line that begins with `--` continues it, too: folded texts of YAML have no other mark.
    pub(super) fn command(&self, start: usize) -> Command {
        let mut reader = Reader { shell: self, at: start, words: Vec::new(), read: Vec::new() };
        while reader.next_word() {}
        Command { words: reader.words, read: reader.read }
    }

    /// Where a program of this name is called, outside of comments and quotes.
    pub(super) fn programs(&self, name: &str) -> Vec<usize> {
        let (mut found, mut line_start) = (Vec::new(), 0);
        for line in self.text.split_inclusive('\n') {
            let is_comment = line.trim_start().starts_with('#');
            let (mut quotes, mut counted) = ([0, 0], 0);
            for (at, _) in line.match_indices(name).filter(|_| !is_comment) {
                let before = line.get(counted..at).unwrap_or_default();
                quotes = [quotes[0] + before.matches('"').count(), quotes[1] + before.matches('\'').count()];
                counted = at;
                let is_open = quotes.iter().any(|count| count % 2 == 1);
                found.extend((!is_open && is_word(line, at, name)).then_some(line_start + at));
            }
            line_start += line.len();
        }
        found
    }

    /// The end of a substitution that begins here, which is skipped as a whole.
    fn skipped(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let after = |places: &[usize], length: usize| {
            let next = places.partition_point(|place| *place < at);
            places.get(next).map(|place| place + length)
        };
        if rest.starts_with("${{") || rest.starts_with("{{") {
            return after(&self.pairs, 2);
        }
        match rest.get(..2)? {
            "${" => after(&self.braces, 1),
            "$(" => self.substitutions.get(&at).copied(),
            _ => None,
        }
    }
}

/// Whether a name in a line is a word of its own, as a program is.
fn is_word(line: &str, at: usize, name: &str) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let after = line.get(at + name.len()..).unwrap_or_default();
    let after = after.strip_prefix(".exe").unwrap_or(after);
    before.chars().next_back().is_none_or(|last| last.is_whitespace() || "/\\(;&|$@-".contains(last))
        && after.starts_with([' ', '\t', '\\', '`'])
}

struct Reader<'s, 't> {
    shell: &'s ShellText<'t>,
    at: usize,
    words: Vec<Word>,
    read: Vec<Range<usize>>,
}

/// The most bytes of a substitution in the text of a word: whether it has one is all that is asked.
const MAX_SUBSTITUTION: usize = 256;

impl Reader<'_, '_> {
    fn rest(&self) -> &str {
        self.shell.text.get(self.at..).unwrap_or_default()
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
            if after.starts_with('#') && !self.words.is_empty() {
                return false;
            }
            self.at += spaces;
            break;
        }
        let (start, mut read) = (self.at, self.at);
        let mut word = String::new();
        while let Some(first) = self.rest().chars().next() {
            let is_end = first.is_whitespace() || ";|&)<>".contains(first);
            if is_end || (self.at > start && continuation(self.rest()).is_some()) {
                break;
            }
            if let Some(end) = self.shell.skipped(self.at).filter(|end| *end > self.at) {
                let text = self.shell.text.get(self.at..end).unwrap_or_default();
                word += text.get(..text.floor_char_boundary(MAX_SUBSTITUTION)).unwrap_or_default();
                self.read.push(read..self.at);
                (self.at, read) = (end, end);
                continue;
            }
            let (length, part) = part(self.rest());
            if part.contains('\n') {
                // an apostrophe in a text can look like an open quote: the next lines can have commands
                self.read.push(read..self.at);
                read = self.at + length;
            }
            self.at += length;
            word += &part;
        }
        self.read.push(read..self.at);
        if self.at > start {
            self.words.push(Word { range: start..self.at, text: word });
        }
        self.at > start
    }
}

/// The length of a mark at the end of a line, with the line break.
fn continuation(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(CONTINUATIONS)?;
    let after = rest.trim_start_matches(|letter: char| letter.is_whitespace() && letter != '\n');
    let length = text.len() - after.len();
    if after.is_empty() { Some(length) } else { after.starts_with('\n').then_some(length + 1) }
}

/// The length of a line break before a line that begins with a flag.
fn folded_line(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n'))?;
    rest.trim_start_matches([' ', '\t']).starts_with("--").then_some(text.len() - rest.len())
}

/// The length and the text of the first part of a word: a quoted text or a character.
fn part(text: &str) -> (usize, String) {
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
    use crate::migration_sources::lines::Lines;

    fn texts(text: &str) -> Vec<String> {
        ShellText::new(text).command(0).words.into_iter().map(|word| word.text).collect()
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
        assert_eq!(texts("helm a # don't\nhelm b"), ["helm", "a"]);
    }

    #[test]
    fn a_word_has_its_place() {
        let text = "x; helm a";
        let words = ShellText::new(text).command(3).words;
        assert_eq!(words[1].range, 8..9);
        assert_eq!(Lines::of("a\nb\nc").at(4), 3);
    }

    #[test]
    fn each_substitution_is_skipped_once() {
        // the bytes that are read for all commands of a text
        let read = |text: &str| -> usize {
            let shell = ShellText::new(text);
            let commands = shell.programs("helm").into_iter().map(|start| shell.command(start));
            commands.flat_map(|command| command.read).map(|range| range.len()).sum()
        };
        let nested = |count: usize| format!("{}{}", "helm a $(".repeat(count), ")".repeat(count));
        assert!(read(&nested(2000)) <= nested(2000).len(), "{}", read(&nested(2000)));
        assert_eq!(texts("helm a --set x=$(b $(c) d)"), ["helm", "a", "--set", "x=$(b $(c) d)"]);
        assert_eq!(texts("helm a$(b"), ["helm", "a$(b"]);
    }
}
