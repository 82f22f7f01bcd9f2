//! Shows what changes in a script, a pipeline or Terraform. Such a text can have a secret under any name, so only words are
//! shown that are new, or that are no secrets: names of settings and flags, versions, references to variables.

use apim_keyless_core::gateway::Setting;
use std::collections::HashSet;

/// What is shown of other words.
const MASK: &str = "***";
/// Words of commands, of Terraform and of values that are no secrets.
const KNOWN: [&str; 17] = [
    "azure-api-management-gateway",
    "azure-apim-gateway/azure-api-management-gateway",
    "false",
    "helm",
    "install",
    "name",
    "null",
    "run:",
    "set",
    "set_list",
    "set_sensitive",
    "template",
    "true",
    "upgrade",
    "value",
    "values",
    "version",
];
/// Beginnings of settings of Microsoft's chart.
const SETTINGS: [&str; 4] = ["gateway.", "image.", "secret.", "serviceAccount."];
/// Beginnings of references in Terraform.
const REFERENCES: [&str; 4] = ["var.", "local.", "data.", "module."];

/// The old text and the new one with masked words, line by line.
pub(super) fn masked(before: &str, after: &str) -> [String; 2] {
    let old: HashSet<&str> = pieces(before).filter(|piece| is_word(piece)).collect();
    let shown = |text: &str, is_shown: &dyn Fn(&str) -> bool| {
        text.split_inclusive('\n').map(|line| masked_line(line, is_shown)).collect()
    };
    [shown(before, &is_known), shown(after, &|word| is_known(word) || !old.contains(word))]
}

/// A line with masked words. The name of an attribute of Terraform, as in `name = value`, is shown.
fn masked_line(line: &str, is_shown: &dyn Fn(&str) -> bool) -> String {
    let attribute = line.split_once(" = ").map(|(name, _)| name.trim()).unwrap_or_default();
    let is_attribute = |word: &str| word == attribute;
    pieces(line)
        .map(|piece| if !is_word(piece) || is_shown(piece) || is_attribute(piece) { piece } else { MASK })
        .collect()
}

/// The words of a text and the separators between them, each of which is one character.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(is_separator).flat_map(|part| {
        let end =
            part.char_indices().next_back().filter(|(_, last)| is_separator(*last)).map_or(part.len(), |(at, _)| at);
        let (word, separator) = part.split_at(end);
        [word, separator].into_iter().filter(|piece| !piece.is_empty())
    })
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || "\"'=,;()[]".contains(letter)
}

fn is_word(piece: &str) -> bool {
    !piece.starts_with(is_separator)
}

/// Whether a word is no secret, whatever stands before it.
fn is_known(word: &str) -> bool {
    let is_path = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-\\".contains(letter));
    let is_flag = word
        .strip_prefix("--")
        .is_some_and(|name| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'));
    let is_setting =
        || is_path(word) && (SETTINGS.iter().any(|start| word.starts_with(start)) || Setting::of(word).is_some());
    let is_version = || {
        word.matches('.').count() == 2
            && word.len() < 12
            && word.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
    };
    let is_punctuation = word.chars().all(|letter| "{}|&<>\\`#:-".contains(letter));
    KNOWN.contains(&word) || is_punctuation || is_flag || is_setting() || is_version() || is_reference(word)
}

/// Whether a word is a reference to a variable: `$NAME`, `${NAME}`, `%NAME%`, `var.name`.
fn is_reference(word: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
    };
    let of_shell = word
        .strip_prefix('$')
        .map(|name| name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name));
    let of_windows = word.strip_prefix('%').and_then(|name| name.strip_suffix('%'));
    let is_plain = |rest: &str| rest.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    let mut of_terraform = REFERENCES.iter().filter_map(|start| word.strip_prefix(start));
    of_shell.or(of_windows).is_some_and(is_name) || of_terraform.any(is_plain)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn new_words_and_names_of_settings_are_shown() {
        let before =
            "helm upgrade a ./a --version 1.12.0 --set gateway.auth.key=hunter1,db.pass=hunter2 -p hunter3 \\\n";
        let after = "helm upgrade a ./a --version 1.15.1 --set db.pass=hunter2,gateway.auth.type=WorkloadIdentity -p hunter3 \\\n";
        let [old, new] = masked(before, after);
        assert_eq!(old, "helm upgrade *** *** --version 1.12.0 --set gateway.auth.key=***,***=*** *** *** \\\n");
        let expected =
            "helm upgrade *** *** --version 1.15.1 --set ***=***,gateway.auth.type=WorkloadIdentity *** *** \\\n";
        assert_eq!(new, expected);
    }

    #[test]
    fn references_are_shown() {
        for line in [
            "token = var.token",
            "a = {",
            "--set gateway.auth.key=\"$TOKEN\"",
            "gateway.auth.key=${TOKEN}",
            "gateway.name=%NAME%",
        ] {
            assert_eq!(masked(line, line), [line, line]);
        }
        for word in ["$word", "${a}", "%a", "var.a!", "1.2.3.4", "--Hunter2"] {
            assert_eq!(masked(word, word), ["***", "***"], "{word}");
        }
    }

    #[test]
    fn lines_and_characters_of_any_kind_stay() {
        for text in ["", "\n", "é=è\r\n\u{a0}ü", "a\u{2003}b"] {
            let [old, new] = masked(text, text);
            assert_eq!((old.lines().count(), new.lines().count()), (text.lines().count(), text.lines().count()));
        }
    }
}
