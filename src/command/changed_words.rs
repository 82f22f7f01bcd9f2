//! Shows what changes in a script, a pipeline or Terraform. Such a text can have a secret under any name, so only words are
//! shown that are new, or that are no secrets: names of settings and flags, versions, references to variables.

use apim_keyless_core::gateway::Setting;
use std::collections::HashSet;

/// What is shown of other words.
const MASK: &str = "***";
/// Words of commands, of Terraform and of values that are no secrets.
const KNOWN: [&str; 21] = [
    ".name",
    "0",
    "azure-api-management-gateway",
    "azure-apim-gateway/azure-api-management-gateway",
    "false",
    "helm",
    "install",
    "metadata",
    "name",
    "null",
    "resource",
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

/// What a name, an id or an address is written to, beside the settings of the gateway.
const NAMES: [&str; 12] = [
    "azure.workload.identity/client-id",
    "azure.workload.identity/tenant-id",
    "gateway.auth.azureAd.app.id",
    "gateway.configuration.uri",
    "id",
    "image.tag",
    "name",
    "namespace",
    "service_account_name",
    "serviceAccount.name",
    "tag",
    "uri",
];

/// The old text and the new one with masked words, line by line. `names` are the names, ids and addresses that were written:
/// they are shown where one is assigned, although the old text has the same word.
pub(super) fn masked(before: &str, after: &str, names: &[String]) -> [String; 2] {
    let old: HashSet<&str> = pieces(before).filter(|piece| is_word(piece)).collect();
    let names: HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut assigned = Assigned::default();
    let is_new = |piece| {
        let is_name = assigned.read(piece) && names.contains(piece);
        is_name || is_known(piece) || !old.contains(piece)
    };
    [masked_lines(before, is_known), masked_lines(after, is_new)]
}

/// The lines with masked words. The name of an attribute of Terraform, as in `name = value`, is shown.
fn masked_lines<'t>(text: &'t str, mut is_shown: impl FnMut(&'t str) -> bool) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let attribute = line.split_once(" = ").map(|(name, _)| name.trim()).unwrap_or_default();
        for piece in pieces(line) {
            let is_shown = is_shown(piece) || !is_word(piece) || piece == attribute;
            masked += if is_shown { piece } else { MASK };
        }
    }
    masked
}

/// What the words of a text are assigned to.
#[derive(Default)]
struct Assigned<'t> {
    /// The last word.
    last: &'t str,
    /// What is before an `=` whose value is not read yet.
    target: Option<&'t str>,
    /// The value of `name` in a block or an object of Terraform with a `value`.
    name: Option<&'t str>,
}

impl<'t> Assigned<'t> {
    /// Reads the next piece; returns whether it is a word where a name is assigned.
    fn read(&mut self, piece: &'t str) -> bool {
        if !is_word(piece) {
            match piece {
                "=" => self.target = Some(self.last),
                "\n" | "," | ";" => self.target = None,
                _ => {}
            }
            return false;
        }
        self.last = piece;
        match self.target.take() {
            Some("value") => self.name.take().is_some_and(is_of_name),
            Some("name") => {
                self.name = Some(piece);
                true
            }
            Some(target) => is_of_name(target),
            None => {
                self.name = self.name.filter(|_| !["{", "}"].contains(&piece));
                false
            }
        }
    }
}

/// Whether a name, an id or an address is assigned to this.
fn is_of_name(target: &str) -> bool {
    let setting = Setting::of(target);
    NAMES.contains(&target)
        || matches!(setting, Some(Setting::Endpoint | Setting::GatewayName | Setting::TokenAudience))
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
        let [old, new] = masked(before, after, &[]);
        assert_eq!(old, "helm upgrade *** *** --version 1.12.0 --set gateway.auth.key=***,***=*** *** *** \\\n");
        let expected =
            "helm upgrade *** *** --version 1.15.1 --set ***=***,gateway.auth.type=WorkloadIdentity *** *** \\\n";
        assert_eq!(new, expected);
    }

    #[test]
    fn written_names_are_shown_where_a_name_is_assigned() {
        let names = ["orders".to_owned()];
        let shown = |after: &str| masked("a orders hunter2", after, &names)[1].clone();
        for line in [
            "\"gateway.name\" = \"orders\"",
            "helm upgrade --set gateway.name=orders",
            "env {\n  name  = \"gateway.name\"\n  value = \"orders\"\n}\n",
            "{ name = \"config.service.endpoint\", value = \"orders\" }",
            "namespace = \"orders\"",
        ] {
            assert_eq!(shown(line), line);
        }
        for (line, expected) in [
            ("password = \"orders\"", "password = \"***\""),
            ("\"gateway.name\" = \"hunter2\"", "\"gateway.name\" = \"***\""),
            ("--set db.pass=orders,gateway.name=orders", "--set db.pass=***,gateway.name=orders"),
            ("--set gateway.name=a,orders", "--set gateway.name=***,***"),
            ("name = \"TOKEN\"\nvalue = \"orders\"", "name = \"TOKEN\"\nvalue = \"***\""),
            ("name = \"gateway.name\"\n}\nvalue = \"orders\"", "name = \"gateway.name\"\n}\nvalue = \"***\""),
            ("gateway.name=\norders", "gateway.name=\n***"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
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
            assert_eq!(masked(line, line, &[]), [line, line]);
        }
        for word in ["$word", "${a}", "%a", "var.a!", "1.2.3.4", "--Hunter2"] {
            assert_eq!(masked(word, word, &[]), ["***", "***"], "{word}");
        }
    }

    #[test]
    fn lines_and_characters_of_any_kind_stay() {
        for text in ["", "\n", "é=è\r\n\u{a0}ü", "a\u{2003}b"] {
            let [old, new] = masked(text, text, &[]);
            assert_eq!((old.lines().count(), new.lines().count()), (text.lines().count(), text.lines().count()));
        }
    }
}
