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
    /// Where the word or the redirection before it ends.
    pub(super) after: usize,
}

/// A text with commands. Each of its bytes is read as often as it has substitutions around it that have commands themselves.
pub(super) struct ShellText<'t> {
    pub(super) text: &'t str,
    /// Where each `$(`, `<(` and `>(` ends, behind its parenthesis.
    substitutions: HashMap<usize, usize>,
    /// The places of closing braces, and of pairs of them.
    braces: Vec<usize>,
    pairs: Vec<usize>,
    /// The places of double and of single quotes.
    quotes: [Vec<usize>; 2],
}

/// The words of a command.
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// Its redirections, such as `2>&1`, with their targets.
    pub(super) redirections: Vec<Range<usize>>,
    /// Whether it has something of which it is not certain where it ends: it must not be changed.
    pub(super) is_uncertain: bool,
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
            if let Some(start) = start.filter(|start| bytes.get(*start).is_some_and(|byte| b"$<>".contains(byte))) {
                substitutions.insert(start, at + 1);
            }
        }
        let places = |mark: &str| text.match_indices(mark).map(|(at, _)| at).collect();
        let quotes = [places("\""), places("'")];
        Self { text, substitutions, braces: places("}"), pairs: places("}}"), quotes }
    }

    /// The words of the command that begins at this byte. It ends at a line break that nothing continues, or where another
    /// command begins. A next line that begins with `--` continues it, too: folded texts of YAML have no other mark.
    pub(super) fn command(&self, start: usize) -> Command {
        // the mark at the end of such a substitution looks like one that continues a line of PowerShell
        let is_uncertain = self.text.get(..start).is_some_and(|before| before.ends_with('`'));
        let command = Command { words: Vec::new(), redirections: Vec::new(), is_uncertain, read: Vec::new() };
        let mut reader = Reader { shell: self, at: start, after: start, command };
        while reader.next_part() {}
        reader.command
    }

    /// A part of the text with `$()` in place of each substitution.
    pub(super) fn shape(&self, range: Range<usize>) -> String {
        let (mut shape, mut at) = (String::new(), range.start);
        while let Some(next) = self.text.get(at..range.end).and_then(|rest| rest.chars().next()) {
            if let Some(end) = self.skipped(at).filter(|end| *end > at) {
                shape += "$()";
                at = end;
            } else {
                shape.push(next);
                at += next.len_utf8();
            }
        }
        shape
    }

    /// Whether the quotes in a part of the text are in pairs.
    fn has_whole_quotes(&self, range: &Range<usize>) -> bool {
        self.quotes.iter().all(|places| {
            let before = |end: usize| places.partition_point(|place| *place < end);
            (before(range.end) - before(range.start)).is_multiple_of(2)
        })
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
    pub(super) fn skipped(&self, at: usize) -> Option<usize> {
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
            "$(" | "<(" | ">(" => self.substitutions.get(&at).copied(),
            _ => None,
        }
    }
}

/// Whether a name in a line is a word of its own, as a program is.
fn is_word(line: &str, at: usize, name: &str) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let after = line.get(at + name.len()..).unwrap_or_default();
    let after = after.strip_prefix(".exe").unwrap_or(after);
    before.chars().next_back().is_none_or(|last| last.is_whitespace() || "/\\(;&|$@-`".contains(last))
        && after.starts_with([' ', '\t', '\\', '`'])
}

struct Reader<'s, 't> {
    shell: &'s ShellText<'t>,
    at: usize,
    /// Where the last word or redirection ends.
    after: usize,
    command: Command,
}

/// The most bytes of a substitution in the text of a word: whether it has one is all that is asked.
const MAX_SUBSTITUTION: usize = 256;

impl Reader<'_, '_> {
    fn rest(&self) -> &str {
        self.shell.text.get(self.at..).unwrap_or_default()
    }

    /// Reads a word or a redirection; returns false at the end of the command.
    fn next_part(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let after = rest.get(spaces..).unwrap_or_default();
            if let Some(length) = continuation(after).or_else(|| folded_line(after)) {
                self.at += spaces + length;
                continue;
            }
            if after.starts_with('#') && !self.command.words.is_empty() {
                return false;
            }
            self.at += spaces;
            break;
        }
        if let Some(length) = redirection(self.rest()) {
            self.redirection(length);
            return true;
        }
        let (start, text) = (self.at, self.word());
        if self.at > start {
            self.command.words.push(Word { range: start..self.at, text, after: self.after });
            self.after = self.at;
        }
        self.at > start
    }

    /// Reads a redirection whose mark has this length, and its target.
    fn redirection(&mut self, length: usize) {
        let start = self.at;
        // a mark behind a word without a space can be a part of a placeholder, such as <NAME>
        self.command.is_uncertain |= start == self.after;
        self.at += length;
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let target = self.at;
        self.word();
        self.command.is_uncertain |= self.at == target;
        self.command.redirections.push(start..self.at);
        self.after = self.at;
    }

    /// Reads a word, and returns its text without quotes.
    fn word(&mut self) -> String {
        let (start, mut read) = (self.at, self.at);
        let mut word = String::new();
        while let Some(first) = self.rest().chars().next() {
            if self.at > start && continuation(self.rest()).is_some() {
                break;
            }
            if let Some(end) = self.shell.skipped(self.at).filter(|end| *end > self.at) {
                self.command.is_uncertain |= !self.shell.has_whole_quotes(&(self.at..end));
                let text = self.shell.text.get(self.at..end).unwrap_or_default();
                word += text.get(..text.floor_char_boundary(MAX_SUBSTITUTION)).unwrap_or_default();
                self.command.read.push(read..self.at);
                (self.at, read) = (end, end);
                continue;
            }
            // the end of a substitution, or of a command in marks of this kind, is not certain
            self.command.is_uncertain |=
                first == '`' || ["$(", "<(", ">("].iter().any(|mark| self.rest().starts_with(mark));
            if first.is_whitespace() || ";|&)<>".contains(first) {
                break;
            }
            let (length, part, is_whole) = self.part();
            self.command.is_uncertain |= !is_whole;
            if part.contains('\n') {
                // an apostrophe in a text can look like an open quote: the next lines can have commands
                self.command.read.push(read..self.at);
                read = self.at + length;
            }
            self.at += length;
            word += &part;
        }
        self.command.read.push(read..self.at);
        word
    }

    /// The length and the text of the next part of a word: a quoted text or a character; and whether its quotes end.
    fn part(&self) -> (usize, String, bool) {
        let text = self.rest();
        let Some(first) = text.chars().next() else { return (0, String::new(), true) };
        match first {
            '\'' => {
                let inside = text.get(1..).unwrap_or_default();
                let end = inside.find('\'');
                let inner = inside.get(..end.unwrap_or(inside.len())).unwrap_or_default();
                ((inner.len() + 2).min(text.len()), inner.to_owned(), end.is_some())
            }
            '"' => {
                let end = self.end_of_quotes();
                let inner = text.get(1..end.unwrap_or(text.len())).unwrap_or_default();
                // in a shell, a mark of this kind begins a command also in quotes
                let is_plain = end.is_some() && !inner.contains('`');
                ((inner.len() + 2).min(text.len()), inner.replace("\\\"", "\""), is_plain)
            }
            '\\' => match text.chars().nth(1) {
                // `\.` is Helm's own escape where quotes are around it; without quotes a shell removes the backslash
                Some(next) if next != '\n' => (1 + next.len_utf8(), next.to_string(), true),
                _ => (1, String::new(), true),
            },
            other => (other.len_utf8(), other.to_string(), true),
        }
    }

    /// Where the double quotes end that begin here. A substitution in them can have quotes of its own.
    fn end_of_quotes(&self) -> Option<usize> {
        let text = self.rest();
        let mut at = 1;
        while let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let skipped = if next == '$' { self.shell.skipped(self.at + at) } else { None };
            if skipped.is_some_and(|end| !self.shell.has_whole_quotes(&(self.at + at..end))) {
                return None;
            }
            at = match next {
                '"' => return Some(at),
                '\\' | '`' => {
                    let escaped = text.get(at + 1..).and_then(|rest| rest.chars().next());
                    at + 1 + escaped.map_or(0, char::len_utf8)
                }
                _ => skipped.and_then(|end| end.checked_sub(self.at)).unwrap_or(at + next.len_utf8()),
            };
        }
        None
    }
}

/// The length of the mark of a redirection of a shell or of PowerShell, such as `2>` or `&>>`. `<(` begins a word.
fn redirection(text: &str) -> Option<usize> {
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let named = text.strip_prefix('{').and_then(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
        rest.get(end..)?.starts_with('}').then_some(end + 2)
    });
    let start = named.unwrap_or(if text.starts_with(['&', '*']) { 1 } else { digits });
    let rest = text.get(start..)?;
    let is_word = start == 0 && (rest.starts_with("<(") || rest.starts_with(">("));
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark)).filter(|_| !is_word)?;
    (!text.starts_with(['&', '*']) || mark.starts_with('>')).then_some(start + mark.len())
}

/// The marks of redirections, the longer ones first.
const MARKS: [&str; 10] = ["<<<", "<<-", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">"];

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
    fn a_redirection_is_no_word_and_ends_no_command() {
        for mark in [
            "2>&1",
            "2>/dev/null",
            "> log",
            ">>log",
            "&> log",
            "&>>log",
            ">| log",
            "<<< text",
            "< values.yaml",
            "<<EOF",
            "<<-EOF",
            "{fd}>log",
            "*> log",
            "*>&1",
            "2> 'a b'",
            "> >(tee log)",
        ] {
            let command = ShellText::new(&format!("helm a b {mark} -c | d")).command(0);
            let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!((words, command.redirections.len()), (vec!["helm", "a", "b", "-c"], 1), "{mark}");
            assert_eq!(command.words[3].after, 9 + mark.len(), "{mark}");
            assert!(!command.is_uncertain, "{mark}");
        }
        assert_eq!(texts("helm a 2 >b"), ["helm", "a", "2"]);
        assert_eq!(texts("helm a & b"), ["helm", "a"]);
    }

    #[test]
    fn a_process_substitution_is_a_word_or_a_part_of_one() {
        let text = "helm a -f <(envsubst < v.tpl | tee x) --set-file k=<(az show --query \"a b\") --wait";
        assert_eq!(
            texts(text),
            ["helm", "a", "-f", "<(envsubst < v.tpl | tee x)", "--set-file", "k=<(az show --query \"a b\")", "--wait"]
        );
        assert_eq!(
            texts("helm a --set k=\"$(az show --query \"a b\")\" -c"),
            ["helm", "a", "--set", "k=$(az show --query \"a b\")", "-c"]
        );
    }

    #[test]
    fn what_has_no_certain_end_is_uncertain() {
        for text in [
            "helm a `b c`",
            "x=`helm a b`",
            "helm a $(b",
            "helm a <(b",
            "helm a 'b",
            "helm a \"b",
            "helm a=<b>",
            "helm a >",
        ] {
            let start = text.find("helm").unwrap();
            assert!(ShellText::new(text).command(start).is_uncertain, "{text}");
        }
        assert!(ShellText::new("helm a $(echo \")\" b)").command(0).is_uncertain);
        for text in ["helm a `\n b", "helm a \\\n b > c", "helm a '`' \"it's\"", "helm a $(b \"c\")"] {
            assert!(!ShellText::new(text).command(0).is_uncertain, "{text}");
        }
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
