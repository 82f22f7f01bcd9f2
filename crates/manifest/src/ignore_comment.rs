//! Comments that ignore rules for an object of a file: `# apim-keyless: ignore RULE,… reason`.
//!
//! A comment counts for the object that it is in or directly above; above the first line of a document, for every object
//! of the document. The webhook does not read comments: the API server removes them.

use super::document::Document;
use super::outline::Token;
use super::source::{Line, SourceFile};
use super::{InputError, visibility};
use std::collections::HashMap;
use std::sync::Arc;

/// The word with which such a comment begins, in any case.
const PROGRAM: &str = "apim-keyless";
/// What follows the colon.
const VERB: &str = "ignore";
/// Longest id of a rule that a comment can name.
const RULE_BYTES: usize = 64;
/// The error of a comment of which nobody knows which object it counts for.
const BETWEEN: &str = "a comment of apim-keyless between two documents; move it below the line --- or into its object";
/// The form, for messages.
const FORM: &str = "# apim-keyless: ignore RULE reason";

/// A comment that ignores rules for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreComment {
    /// Path of its file as given; `-` for standard input.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The rules, as written: they need not exist.
    pub rules: Vec<String>,
    /// Why they are ignored. Words that look like a key are masked.
    pub reason: String,
    /// The next line that is neither empty nor a comment; the line itself if the comment is behind something.
    next_line: Option<usize>,
}

/// The rules that comments ignore, each with its first comment.
pub type IgnoredRules = HashMap<String, Arc<IgnoreComment>>;

/// The rules that the comments of a document ignore.
#[derive(Default)]
pub(super) struct Ignored {
    /// For every object of the document.
    everywhere: Arc<IgnoredRules>,
    /// For one object, by its index.
    by_object: HashMap<usize, IgnoredRules>,
}

impl Ignored {
    /// Assigns the comments of a document to its objects, which start at these lines; `first` is the first line of the
    /// document.
    pub(super) fn of(comments: &[Arc<IgnoreComment>], starts: &[usize], first: usize) -> Self {
        let (mut everywhere, mut by_object) = (IgnoredRules::new(), HashMap::<usize, IgnoredRules>::new());
        for comment in comments {
            let ignored = match comment.object(starts, first) {
                Some(index) => by_object.entry(index).or_default(),
                None => &mut everywhere,
            };
            for rule in &comment.rules {
                ignored.entry(rule.clone()).or_insert_with(|| Arc::clone(comment));
            }
        }
        Self { everywhere: Arc::new(everywhere), by_object }
    }

    /// Takes the rules of one object, those of the whole document included.
    pub(super) fn take(&mut self, index: usize) -> Option<Arc<IgnoredRules>> {
        let Some(mut rules) = self.by_object.remove(&index) else {
            return Some(Arc::clone(&self.everywhere)).filter(|rules| !rules.is_empty());
        };
        for (rule, comment) in self.everywhere.iter() {
            rules.entry(rule.clone()).or_insert_with(|| Arc::clone(comment));
        }
        Some(Arc::new(rules))
    }
}

impl IgnoreComment {
    /// The index of the object that it counts for, of those that start at these lines; `None` for all of them.
    fn object(&self, starts: &[usize], first: usize) -> Option<usize> {
        if starts.len() == 1 || self.line < first {
            return None;
        }
        let directly_above = self.next_line.and_then(|next| starts.binary_search(&next).ok());
        directly_above.or_else(|| starts.partition_point(|start| *start <= self.line).checked_sub(1))
    }
}

/// The comments of a document that ignore rules, and the errors in them. `tokens` returns the keys and scalars of the
/// document: a `#` in one of them begins no comment. It is only called if the document names this program.
pub(super) fn find(
    source: &SourceFile,
    document: &Document<'_>,
    tokens: impl FnOnce() -> Arc<[Token]>,
) -> (Vec<Arc<IgnoreComment>>, Vec<InputError>) {
    let (mut comments, mut errors) = (Vec::new(), Vec::new());
    let end = document.start + document.text.len();
    if !is_named(document.text) {
        return (comments, errors);
    }
    let tokens = tokens();
    let lines = source.line_at(document.start).map_or(1, |line| line.number)
        ..=source.line_at(end.saturating_sub(1)).map_or(0, |line| line.number);
    // from the end, so that each line knows the next one with content
    let mut next_content = None;
    for line in lines.rev().filter_map(|number| source.line(number)) {
        let own_content = has_content(line.text).then_some(line.number);
        if is_named(line.text)
            && let Some((at, text)) = comment(line, &tokens)
            && let Some(instruction) = instruction(text)
        {
            let next_line = own_content.or(next_content);
            let is_between = next_line.is_none() && end < source.text.len();
            let column = line.text.get(..at).map_or(1, |before| before.chars().count() + 1);
            let place = (source.name.clone(), line.number, column);
            match parse(instruction).and_then(|parsed| if is_between { Err(BETWEEN.to_owned()) } else { Ok(parsed) }) {
                Ok((rules, reason)) => {
                    let (file, line, column) = place;
                    comments.push(Arc::new(IgnoreComment { file, line, column, rules, reason, next_line }));
                }
                Err(message) => {
                    let (file, line, column) = place;
                    errors.push(InputError { file, line: Some(line), column: Some(column), message });
                }
            }
        }
        next_content = own_content.or(next_content);
    }
    comments.reverse();
    errors.reverse();
    (comments, errors)
}

/// Whether a line is neither empty nor a comment nor the end of a document.
fn has_content(line: &str) -> bool {
    let text = line.trim_start();
    !text.is_empty() && !text.starts_with('#') && line != "..."
}

/// A quick test, which most lines fail.
fn is_named(text: &str) -> bool {
    text.contains('#') && text.to_ascii_lowercase().contains(PROGRAM)
}

/// The comment of a line, from its `#`: the byte in the line, and the text behind the `#`. `tokens` are the keys and
/// scalars of the file in their order: a `#` in one of them begins no comment.
pub(super) fn comment<'l>(line: Line<'l>, tokens: &[Token]) -> Option<(usize, &'l str)> {
    let is_content = |at: usize| {
        let before = tokens.partition_point(|token| token.range.end <= at);
        tokens.get(before).is_some_and(|token| token.range.contains(&at))
    };
    let begins = |at: usize| {
        let before = line.text.get(..at).unwrap_or_default();
        (before.is_empty() || before.ends_with([' ', '\t'])) && !is_content(line.start + at)
    };
    let at = line.text.match_indices('#').map(|(at, _)| at).find(|at| begins(*at))?;
    Some((at, line.text.get(at + 1..)?))
}

/// What follows `apim-keyless` at the beginning of a comment, if it is meant as an instruction: behind a colon, or
/// `ignore`.
fn instruction(comment: &str) -> Option<&str> {
    let comment = comment.trim_start_matches(['#', ' ', '\t']);
    let rest = comment.get(..PROGRAM.len()).filter(|name| name.eq_ignore_ascii_case(PROGRAM));
    let rest = rest.and_then(|_| comment.get(PROGRAM.len()..))?;
    let is_meant = rest.trim_start().starts_with(':')
        || rest.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(VERB));
    is_meant.then_some(rest)
}

/// The rules and the reason of an instruction.
fn parse(instruction: &str) -> Result<(Vec<String>, String), String> {
    let Some(rest) = instruction.trim_start().strip_prefix(':') else {
        return Err(format!("write a colon behind apim-keyless: {FORM}"));
    };
    let mut words = rest.split_whitespace().peekable();
    match words.next() {
        Some(verb) if verb.eq_ignore_ascii_case(VERB) => {}
        _ => return Err(format!("a comment of apim-keyless ignores rules, and can do nothing else; write {FORM}")),
    }
    let mut list = words.next().unwrap_or_default().to_owned();
    while list.ends_with(',') || words.peek().is_some_and(|word| word.starts_with(',')) {
        let Some(word) = words.next() else { break };
        list += word;
    }
    let rules: Vec<String> = list.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
    if rules.is_empty() || rules.iter().any(|rule| rule.len() > RULE_BYTES) {
        return Err(format!("name the rule to ignore, and why: {FORM}"));
    }
    let masked = |word: &str| if visibility::looks_like_key(word) { "***".to_owned() } else { word.to_owned() };
    let reason = words.map(masked).collect::<Vec<_>>().join(" ");
    let reason = reason.trim_start_matches(['-', ':', '–', '—', ' ']).to_owned();
    if !reason.contains(char::is_alphanumeric) {
        return Err(format!("write behind the rule why it is ignored: {FORM}"));
    }
    Ok((rules, reason))
}

#[cfg(test)]
mod tests {
    use crate::tests::read;

    /// The rules that each object ignores.
    fn ignored(text: &str) -> Vec<String> {
        let manifests = read(text);
        assert!(manifests.errors.is_empty(), "{:?}", manifests.errors);
        let rules = |object: &crate::ManifestObject| {
            ["a", "b", "c", "d"]
                .into_iter()
                .filter(|rule| object.ignored_by(rule).is_some())
                .collect::<Vec<_>>()
                .join(" ")
        };
        manifests.objects.iter().map(rules).collect()
    }

    const POD: &str = "apiVersion: v1\nkind: Pod\n";

    #[test]
    fn a_comment_counts_for_the_object_that_it_is_in_or_above() {
        let comment = "# apim-keyless: ignore a a reason\n";
        for (text, expected) in [
            (format!("{comment}{POD}"), &["a"][..]),
            (format!("{comment}---\n{POD}"), &["a"]),
            (format!("---\n{comment}{POD}---\n{POD}"), &["a", ""]),
            (format!("{POD}---\n{comment}{POD}"), &["", "a"]),
            (format!("{POD}metadata:\n  {comment}  name: a\n---\n{POD}"), &["a", ""]),
            (format!("{POD}---\n{POD}{comment}"), &["", "a"]),
            (format!("apiVersion: v1 {comment}kind: Pod\n"), &["a"]),
            (format!("{POD}#  Apim-Keyless :  ignore  b , c,d  why\n"), &["b c d"]),
        ] {
            assert_eq!(ignored(&text), expected, "{text}");
        }
    }

    #[test]
    fn in_a_list_a_comment_counts_for_its_item() {
        let list = |above: &str, first: &str, second: &str, inside: &str| {
            format!(
                "{above}apiVersion: v1\nkind: List\nitems:\n{first}- apiVersion: v1\n  kind: Pod\n{second}- apiVersion: v1\n{inside}  kind: Pod\n"
            )
        };
        let comment = "# apim-keyless: ignore a why\n";
        for (text, expected) in [
            (list(comment, "", "", ""), ["a", "a"]),
            (list("", comment, "", ""), ["a", ""]),
            (list("", "", comment, ""), ["", "a"]),
            (list("", "", "", comment), ["", "a"]),
        ] {
            assert_eq!(ignored(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_is_not_a_comment() {
        for text in [
            format!("{POD}data:\n  a: |\n    # apim-keyless: ignore a why\n"),
            format!("{POD}data:\n  a: \"b # apim-keyless: ignore a why\"\n"),
            format!("{POD}data:\n  a: 'b\n   # apim-keyless: ignore a why'\n"),
            format!("{POD}data: {{a: b#apim-keyless: ignore a why}}\n"),
            format!("{POD}# apim-keyless sets the label\n# see apim-keyless: ignore a why\n"),
        ] {
            assert!(read(&text).ignore_comments.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_comment_with_a_mistake_is_an_error_with_its_place() {
        for (comment, words) in [
            ("# apim-keyless: ignore", "name the rule"),
            ("# apim-keyless: ignore a", "why it is ignored"),
            ("# apim-keyless: ignore a ---", "why it is ignored"),
            ("# apim-keyless: skip a why", "ignores rules"),
            ("# apim-keyless ignore a why", "write a colon"),
            ("# apim-keyless:", "ignores rules"),
        ] {
            let manifests = read(&format!("{POD}spec: 1 {comment}\n"));
            let error = &manifests.errors[0];
            assert_eq!((error.line, error.column, manifests.objects.len()), (Some(3), Some(9), 1), "{comment}");
            assert!(error.message.contains(words), "{comment}: {}", error.message);
        }
    }

    #[test]
    fn a_comment_between_two_documents_is_an_error() {
        let manifests = read(&format!("{POD}# apim-keyless: ignore a why\n---\n{POD}"));
        assert_eq!((manifests.errors[0].line, manifests.objects.len()), (Some(3), 2));
        assert!(manifests.errors[0].message.contains("between two documents"), "{}", manifests.errors[0].message);
    }

    #[test]
    fn a_key_in_a_reason_is_masked() {
        let manifests = read(&format!("{POD}# apim-keyless: ignore a until bmV2ZXIgc2hvdyB0aGlzMTIz is gone\n"));
        assert_eq!(manifests.ignore_comments[0].reason, "until *** is gone");
    }
}
