//! Keeps retired words out of every text that a user reads. The field has better words for them.
//!
//! The test reads documents, deployment files, string literals of the code and doc comments of the command line (these
//! become help). It lists all places at once.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A phrase that no text uses, and the better word. A word with `*` stands for all words with this start, `^` for any
/// word with a capital first letter.
const RETIRED: &[(&str, &str)] = &[
    ("authority", "CA, or the name of the authorizing party"),
    ("cure", "fix"),
    ("cures", "fix"),
    ("door", "endpoint, or webhook"),
    ("doors", "endpoints, or webhooks"),
    ("extent", "coverage, or part"),
    ("foreign", "unexpected, other, or non-gateway"),
    ("house", "project, or module"),
    ("is no ^", "is not a ..."),
    ("is none of", "is not one of, or is not a"),
    ("judg*", "evaluate, or check"),
    ("leaf", "serving certificate"),
    ("looked after", "managed, renewed, or rotated"),
    ("looks after", "manages, renews, or rotates"),
    ("mend*", "fix, or set"),
    ("misspelt", "misspelled"),
    ("refus*", "deny, or reject"),
    ("remark*", "warning, or warned"),
    ("remedies", "fixes"),
    ("remedy", "fix"),
    ("room", "module, cache, or space"),
    ("ruling", "finding"),
    ("rulings", "findings"),
    ("sign in", "authenticate"),
    ("signing in", "authenticating"),
    ("signs in", "authenticates"),
    ("slip", "mistake, or misspelling"),
    ("slips", "mistakes, or misspellings"),
    ("somebody*", "another team, another application, or a user"),
    ("stands beside", "is related, or is next to"),
    ("surroundings", "related objects"),
    ("taken over", "hot-reloaded, or adopted"),
    ("tells", "reports, logs, shows, or prints"),
    ("told", "reported, logged, shown, or printed"),
    ("unlabelled", "unlabeled"),
    ("unseen", "unknown, or absent"),
    ("verdict", "decision, or finding"),
    ("vouch*", "confirm, or guarantee"),
];

/// A text in which a retired word is right, and the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("connection refused", "an error of the operating system"),
    ("connections refused", "an error of the operating system"),
    ("refuse connections", "the TCP term for that error"),
    ("there is no ", "says that something does not exist, not what it is"),
    ("`authority`", "a setting of the gateway for Entra"),
    ("auth.azuread.authority", "a setting of the gateway for Entra"),
    ("azure_authority_host", "a variable of azure-workload-identity"),
    ("entra authority", "Entra's term"),
    ("--authority", "a flag that is named after Entra's term"),
    ("certificate authority", "spells out CA once"),
    ("certificate-authority", "a field of a kubeconfig"),
    ("signed by unknown authority", "an error of Go's TLS library, quoted"),
    ("\"sign-in\"", "Entra's term, quoted"),
    ("\u{201c}sign-in\u{201d}", "Entra's term, quoted"),
    ("--sign-in", "a flag that is named after Entra's term"),
    ("--leaf-validity", "an earlier flag: the chart names the new one"),
    ("--room", "an earlier flag: the chart names the new one"),
    ("apim-keyless-authority", "a Secret of an earlier release, which an upgrade keeps"),
];

/// The page that names earlier rules, flags and metrics. They are code there.
const EARLIER_NAMES: &str = "docs/upgrade.md";

#[test]
fn no_text_uses_a_retired_word() {
    let texts = texts();
    assert!(texts.len() > 100, "only {} texts were read", texts.len());
    let mut report = String::new();
    let mut count = 0;
    for text in &texts {
        for (line, phrase, better) in text.retired() {
            count += 1;
            writeln!(report, "{}:{line}: {phrase:?}: write {better}", text.path.display()).unwrap();
        }
    }
    assert_eq!(count, 0, "{count} places:\n{report}");
}

#[test]
fn retired_words_are_found_and_exceptions_are_not() {
    let found = |text: &str| {
        let mut read = Text::new(Path::new("a.md"));
        read.push(text, 1);
        read.retired().into_iter().map(|(line, phrase, _)| (line, phrase)).collect::<Vec<_>>()
    };
    assert_eq!(found("It mends\nthem, Refused, and is\n  no GUID."), [(1, "mend*"), (2, "refus*"), (2, "is no ^")]);
    assert_eq!(found("A sign-in, somebody's remark."), [(1, "sign in"), (1, "somebody*"), (1, "remark*")]);
    assert_eq!(found("apim_refused_total is judged"), [(1, "refus*"), (1, "judg*")]);
    assert_eq!(found("recommend a bedroom, a household, amendments, is no longer"), []);
    assert_eq!(found("Connection refused, connection\nrefused, ECONNREFUSED, ErrorKind::ConnectionRefused"), []);
    assert_eq!(found("There is no Secret. See https://example.com/sign-in/foreign."), []);
    assert_eq!(found("AZURE_AUTHORITY_HOST, the Entra authority, `authority`, \"sign-in\", --sign-in"), []);
}

#[test]
fn code_is_left_out_and_lines_stay() {
    assert_eq!(without_code("a `b` c\n```console\n$ d\n```\ne `f`"), "a  c\n\n\n\ne ");
}

#[test]
#[allow(clippy::needless_raw_string_hashes, reason = "the literal holds a raw string")]
fn only_string_literals_and_doc_comments_of_code_are_read() {
    let code = r##"
        /// one
        fn a<'a>() { // two
            let _ = ("three \"four\n", r#"five "six""#, '"', b"seven", "{eight}");
        }
    "##;
    let mut all = Text::new(Path::new("a.rs"));
    all.push_code(code, true);
    let words = |text: &Text| words(&text.content).map(|(_, word)| word.to_owned()).collect::<Vec<_>>();
    assert_eq!(words(&all), ["one", "three", "four", "five", "six", "seven"]);
    let mut literals = Text::new(Path::new("a.rs"));
    literals.push_code(code, false);
    assert_eq!(words(&literals), ["three", "four", "five", "six", "seven"]);
}

/// The text of one file, with each run of whitespace collapsed to one space.
struct Text {
    path: PathBuf,
    content: String,
    /// Offsets in `content` at which a line starts, with its number.
    lines: Vec<(usize, usize)>,
}

impl Text {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), content: String::new(), lines: Vec::new() }
    }

    /// Appends a text that starts on this line of the file.
    fn push(&mut self, text: &str, first_line: usize) {
        for (index, line) in text.split('\n').enumerate() {
            self.lines.push((self.content.len(), first_line + index));
            for word in line.split_whitespace() {
                self.content.push_str(word);
                self.content.push(' ');
            }
        }
    }

    /// Appends the string literals of Rust code outside inline tests, and the doc comments if `with_docs`.
    fn push_code(&mut self, code: &str, with_docs: bool) {
        let code = code.split("#[cfg(test)]\nmod tests").next().unwrap();
        let (mut at, mut line) = (0, 1);
        while let Some(token) = Token::first_from(code, at) {
            let inside = &code[token.inside.clone()];
            let first_line = line + code[at..token.inside.start].matches('\n').count();
            match token.kind {
                Kind::Docs if with_docs => self.push(inside, first_line),
                Kind::Literal => {
                    self.push(&without_escapes(inside), first_line);
                    // no phrase continues in the next literal
                    self.content.push_str("| ");
                }
                Kind::Docs | Kind::Skipped => {}
            }
            line += code[at..token.end].matches('\n').count();
            at = token.end;
        }
    }

    /// The retired phrases outside exceptions, each with its line and the better word.
    fn retired(&self) -> Vec<(usize, &'static str, &'static str)> {
        let lower = self.content.to_ascii_lowercase();
        let words: Vec<(usize, &str)> = words(&self.content).collect();
        let starts = (0..words.len()).map(|index| &words[index..]);
        let phrases = starts.flat_map(|words| RETIRED.iter().map(move |(phrase, better)| (words, *phrase, *better)));
        let retired = phrases.filter(|(words, phrase, _)| {
            let start = words[0].0;
            self.phrase_end(words, phrase).is_some_and(|end| !is_exception(&lower, start, end))
                && !is_in_address(&self.content, start)
        });
        retired.map(|(words, phrase, better)| (self.line(words[0].0), phrase, better)).collect()
    }

    /// The end of a phrase that starts with the first of these words.
    fn phrase_end(&self, words: &[(usize, &str)], phrase: &str) -> Option<usize> {
        let mut end = None;
        for (index, pattern) in phrase.split(' ').enumerate() {
            let (start, word) = words.get(index)?;
            let gap = end.map_or("", |end| &self.content[end..*start]);
            let is_next = gap.chars().all(|letter| " -`#>/*".contains(letter));
            let is_match = match (pattern, pattern.strip_suffix('*')) {
                ("^", _) => word.starts_with(|letter: char| letter.is_ascii_uppercase()),
                (_, Some(stem)) => word.get(..stem.len()).is_some_and(|head| head.eq_ignore_ascii_case(stem)),
                (_, None) => word.eq_ignore_ascii_case(pattern),
            };
            if !is_next || !is_match {
                return None;
            }
            end = Some(start + word.len());
        }
        end
    }

    fn line(&self, offset: usize) -> usize {
        let index = self.lines.partition_point(|(start, _)| *start <= offset);
        self.lines[index.saturating_sub(1)].1
    }
}

/// The words of a text with their offsets: runs of ASCII letters.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|letter: char| !letter.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
}

/// Does an exception overlap this part of the lowercase text?
fn is_exception(lower: &str, start: usize, end: usize) -> bool {
    EXCEPTIONS.iter().any(|(text, _)| {
        let from = lower.floor_char_boundary(start.saturating_sub(text.len()));
        let to = lower.ceil_char_boundary((end + text.len()).min(lower.len()));
        let near = lower[from..to].match_indices(text).map(|(at, _)| from + at);
        near.into_iter().any(|at| at < end && at + text.len() > start)
    })
}

/// Is this offset inside a web address? Other sites choose their own words.
fn is_in_address(content: &str, offset: usize) -> bool {
    let start = content[..offset].rfind(' ').map_or(0, |space| space + 1);
    content[start..offset].contains("://")
}

/// A literal without escapes and without placeholders such as `{name}`.
fn without_escapes(literal: &str) -> String {
    let mut text = String::new();
    let mut letters = literal.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // the line break of a continued literal stays, so that lines are counted right
            '\\' => text.push(if letters.next() == Some('\n') { '\n' } else { ' ' }),
            '{' => {
                let rest = letters.as_str();
                let name = rest.split_once('}').map_or("", |(name, _)| name);
                let is_name = !name.is_empty()
                    && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_:?#.<>$".contains(letter));
                if is_name {
                    letters = rest[name.len()..].chars();
                }
                text.push(' ');
            }
            letter => text.push(letter),
        }
    }
    text
}

/// A comment, a literal or a character of Rust code.
struct Token {
    /// The text without comment marks or quotes.
    inside: Range<usize>,
    /// The offset after the token.
    end: usize,
    kind: Kind,
}

enum Kind {
    /// A line of documentation.
    Docs,
    /// A string literal.
    Literal,
    /// Any other token.
    Skipped,
}

impl Token {
    /// The first token from this offset on.
    fn first_from(code: &str, from: usize) -> Option<Self> {
        let start = from + code[from..].find(['"', '\'', '/'])?;
        let rest = &code[start..];
        let token = |mark: usize, inside: usize, end: usize, kind| {
            Some(Self { inside: start + mark..start + mark + inside, end: start + mark + inside + end, kind })
        };
        if let Some(docs) = rest.strip_prefix("///") {
            return token(3, docs.find('\n').unwrap_or(docs.len()), 0, Kind::Docs);
        }
        if rest.starts_with("//") {
            return token(0, rest.find('\n').unwrap_or(rest.len()), 0, Kind::Skipped);
        }
        let Some(inside) = rest.strip_prefix('"') else { return token(0, character(rest), 0, Kind::Skipped) };
        let before = &code[from..start];
        let hashes = before.len() - before.trim_end_matches('#').len();
        if before.trim_end_matches('#').ends_with('r') {
            let quote = format!("\"{}", "#".repeat(hashes));
            return token(1, inside.find(&quote)?, quote.len(), Kind::Literal);
        }
        token(1, closing_quote(inside)?, 1, Kind::Literal)
    }
}

/// The length of a character literal, or 1 for any other character.
fn character(rest: &str) -> usize {
    let letters: Vec<(usize, char)> = rest.char_indices().take(3).collect();
    match letters.as_slice() {
        [(_, '\''), (_, '\\'), (at, _)] => rest[at + 1..].find('\'').map_or(1, |end| at + end + 2),
        [(_, '\''), _, (at, '\'')] => at + 1,
        _ => 1,
    }
}

/// The offset of the quote that ends a string literal.
fn closing_quote(inside: &str) -> Option<usize> {
    let mut is_escaped = false;
    inside.char_indices().find_map(|(at, letter)| {
        let is_end = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        is_end.then_some(at)
    })
}

/// Every text that a user reads.
fn texts() -> Vec<Text> {
    let mut texts = Vec::new();
    let documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "deploy"];
    for path in documents.iter().flat_map(|path| files(Path::new(path))) {
        if ends_with_any(&path, &["md", "yaml", "tpl", "txt"]) {
            let mut text = Text::new(&path);
            let content = fs::read_to_string(&path).unwrap();
            let content = if path.ends_with(EARLIER_NAMES) { without_code(&content) } else { content };
            text.push(&content, 1);
            texts.push(text);
        }
    }
    for path in files(Path::new("src")).into_iter().filter(|path| ends_with_any(path, &["rs"])) {
        let mut text = Text::new(&path);
        text.push_code(&fs::read_to_string(&path).unwrap(), path.starts_with("src/cli"));
        texts.push(text);
    }
    texts
}

/// The text of a page without inline code and blocks of code.
fn without_code(page: &str) -> String {
    let lines = |code: &str| "\n".repeat(code.matches('\n').count());
    let parts = page.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 0 { part.to_owned() } else { lines(part) }).collect()
}

fn ends_with_any(path: &Path, ends: &[&str]) -> bool {
    path.extension().is_some_and(|end| ends.iter().any(|other| end == *other))
}

/// The path itself, or every file below it.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| files(path)).collect()
}
