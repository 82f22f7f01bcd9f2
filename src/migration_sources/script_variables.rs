//! Plain texts that a script, a pipeline or a Makefile gives to its variables.

use std::collections::HashMap;

/// The variables of a text. Of a variable that gets several texts, each is known: which one a command sees is not.
pub(super) struct ScriptVariables {
    by_name: HashMap<String, Vec<Assigned>>,
}

/// A text of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assigned {
    /// The line, from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// A variable in a word, with its default, such as `${NAME:-DEFAULT}`.
#[derive(Debug, PartialEq)]
struct Reference<'w> {
    before: &'w str,
    name: &'w str,
    default: Option<&'w str>,
    after: &'w str,
}

/// The most texts of a variable that are kept: each command looks at all of them.
const MAX_TEXTS: usize = 32;
/// The most bytes of a variable with its default.
const MAX_REFERENCE: usize = 128;
/// Words before an assignment.
const WORDS: [&str; 8] = ["export ", "local ", "readonly ", "declare ", "set ", "- ", "$env:", "$"];

impl ScriptVariables {
    pub(super) fn of(text: &str) -> Self {
        let mut by_name: HashMap<String, Vec<Assigned>> = HashMap::new();
        let lines = text.lines().enumerate();
        let assigned = lines.flat_map(|(index, line)| {
            assignment(line).into_iter().chain(defaults(line)).map(move |(name, text)| (index + 1, name, text))
        });
        for (line, name, text) in assigned {
            let texts = by_name.entry(name.to_owned()).or_default();
            if texts.len() < MAX_TEXTS {
                texts.push(Assigned { line, text: text.to_owned() });
            }
        }
        Self { by_name }
    }

    /// The texts that a word with a variable can be, each with the line of the assignment. `line` is that of the word.
    pub(super) fn texts(&self, word: &str, line: usize) -> Vec<Assigned> {
        let Some(Reference { before, name, default, after }) = reference(word) else { return Vec::new() };
        let default = default.map(|text| Assigned { line, text: text.to_owned() });
        let assigned = self.by_name.get(name).into_iter().flatten().cloned().chain(default);
        assigned.map(|Assigned { line, text }| Assigned { line, text: format!("{before}{text}{after}") }).collect()
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The name and the plain text of a line that sets a variable of a shell, of PowerShell, of a Makefile or of a pipeline.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let mut line = line.trim_start();
    while let Some(rest) = WORDS.iter().find_map(|word| line.strip_prefix(word)) {
        line = rest.trim_start();
    }
    let name = line.get(..line.find(|letter| !is_of_name(letter))?)?;
    let rest = line.get(name.len()..)?.trim_start();
    let value = ["::=", ":=", "?=", "=", ": "].iter().find_map(|mark| rest.strip_prefix(mark))?.trim();
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.split_once(*quote));
    let text = quoted.map_or_else(|| value.split([' ', '\t', ';', '&', '#']).next(), |(text, _)| Some(text))?;
    let default = reference(text).and_then(|reference| reference.default);
    let text = default.unwrap_or(text);
    (!name.is_empty() && !text.is_empty() && !text.contains(['$', '`', '(', '{'])).then_some((name, text))
}

/// The defaults that a line of a shell gives to variables: `${NAME:=DEFAULT}`.
fn defaults(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices("${").filter_map(move |(at, _)| {
        // a reference is short, and a line can have many
        let near = line.get(at..line.floor_char_boundary(at + MAX_REFERENCE))?;
        let Reference { name, default, .. } = reference(near)?;
        let is_set = near.split_once('}')?.0.contains(":=");
        Some((name, default.filter(|text| is_set && !text.contains('$'))?))
    })
}

/// The first variable in a word.
fn reference(word: &str) -> Option<Reference<'_>> {
    let at = word.find(['$', '%'])?;
    let (before, rest) = (word.get(..at)?, word.get(at..)?);
    let braced = |start: &str, end: &str| rest.strip_prefix(start)?.split_once(end);
    if let Some((inner, after)) = braced("${{", "}}").or_else(|| braced("$(", ")")).or_else(|| braced("%", "%")) {
        let name = inner.trim().rsplit('.').next()?;
        return name.chars().all(is_of_name).then_some(Reference { before, name, default: None, after });
    }
    if let Some((inner, after)) = braced("${", "}") {
        let end = inner.find(|letter| !is_of_name(letter)).unwrap_or(inner.len());
        let (name, rest) = inner.split_at_checked(end)?;
        let default = rest.strip_prefix(':').unwrap_or(rest).strip_prefix(['-', '=']);
        return Some(Reference { before, name, default: default.map(|text| text.trim_matches(['"', '\''])), after });
    }
    let rest = rest.strip_prefix("$env:").or_else(|| rest.strip_prefix('$'))?;
    let (name, after) = rest.split_at_checked(rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len()))?;
    (!name.is_empty()).then_some(Reference { before, name, default: None, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_variables_are_found() {
        let text =
            "V=1.7.0 # old\nexport A=\"a b\"; echo\n: ${B:=2}\n$C = '3'\n  D: 4.0\nE ?= 5\nF=$(date)\nG=${1:-7}\n";
        let variables = ScriptVariables::of(text);
        for (word, expected) in [
            ("$V", vec![(1, "1.7.0")]),
            ("v${V}-x", vec![(1, "v1.7.0-x")]),
            ("${A}", vec![(2, "a b")]),
            ("$B", vec![(3, "2")]),
            ("$env:C", vec![(4, "3")]),
            ("${{ env.D }}", vec![(5, "4.0")]),
            ("$(E)", vec![(6, "5")]),
            ("$F", vec![]),
            ("$G", vec![(8, "7")]),
            ("${H:-8}", vec![(9, "8")]),
            ("plain", vec![]),
        ] {
            let found = variables.texts(word, 9);
            let found: Vec<(usize, &str)> = found.iter().map(|found| (found.line, found.text.as_str())).collect();
            assert_eq!(found, expected, "{word}");
        }
    }

    #[test]
    fn a_line_with_many_open_references_is_read_once() {
        // a time that grows with the square of the text would be hours
        assert!(ScriptVariables::of(&"x ${a".repeat(1_000_000)).by_name.is_empty());
    }
}
