//! Masks values in texts that are not YAML, such as scripts and Terraform, so that their changes can be shown.

use crate::visibility::{bears_secret, is_secret_name};
use apim_keyless_core::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY, is_guid};

/// Ends of more names whose values can be secret, in lower case. Terraform's `set` blocks have any value after `value`.
const MORE_SECRET_NAMES: [&str; 4] = ["sas", "secret", "sig", "value"];
/// Ends of words after which a secret follows without `=` or `:`, in lower case: a space separates the parts of an auth key.
const BEFORE_SECRETS: [&str; 9] =
    ["bearer", "credential", "key", "password", "passwd", "sas", "secret", "signature", "token"];
/// Beginnings of references in Terraform.
const TERRAFORM_REFERENCES: [&str; 4] = ["var.", "local.", "data.", "module."];
/// Words that are not secrets.
const KNOWN_WORDS: [&str; 11] = ["", "#", "\\", "`", "|", ">", "false", "name", "null", "true", "value"];
/// Longest reference, in bytes. What is longer is masked.
const NEAR_BYTES: usize = 512;
/// What is shown in place of a value.
const MASK: &str = "***";

/// The text with `***` for every value that can be secret: after a name such as `password`, and what looks like a key
/// wherever it is. References to variables stay. In doubt a value is masked.
pub fn masked_text(text: &str) -> String {
    let mut block: Option<Block> = None;
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let is_in_block = block.as_mut().is_some_and(|block| block.contains(content));
        if !is_in_block {
            block = None;
        }
        let MaskedLine { text, opens } = masked_line(content, is_in_block);
        masked += &text;
        masked += line.get(content.len()..).unwrap_or_default();
        block = block.or(opens);
    }
    masked
}

/// A value that begins on the line after its name.
struct Block {
    /// The columns before the name.
    indentation: usize,
    /// The word that ends a here-document.
    end: Option<String>,
    is_first_line: bool,
}

impl Block {
    fn contains(&mut self, line: &str) -> bool {
        let is_first_line = std::mem::take(&mut self.is_first_line);
        match &self.end {
            Some(end) => line.trim() != end,
            None => line.trim().is_empty() || is_first_line || indentation(line) > self.indentation,
        }
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

struct MaskedLine {
    text: String,
    /// The value that the next line begins.
    opens: Option<Block>,
}

/// Masks a line; `is_value` says that it is part of a secret value.
fn masked_line(line: &str, is_value: bool) -> MaskedLine {
    let mut text = String::with_capacity(line.len());
    let (mut is_secret, mut has_value, mut rest) = (is_value, true, line);
    while let Some(first) = rest.chars().next() {
        let (word, after) = rest.split_at(if is_separator(first) { first.len_utf8() } else { word_length(rest) });
        if is_separator(first) {
            text.push(first);
        } else if let Some(after_credentials) = credentials(rest) {
            text += MASK;
            (rest, has_value) = (after_credentials, true);
            continue;
        } else {
            let bare = word.trim_matches(['{', '}', '(', ')', '[', ']']);
            let is_reference = is_reference(word);
            match word.strip_prefix("$(") {
                Some(command) if is_reference => {
                    let (command, end) = command.strip_suffix(')').map_or((command, ""), |command| (command, ")"));
                    text += "$(";
                    text += &masked_line(command, false).text;
                    text += end;
                }
                _ if is_reference || is_known(bare) => text += word,
                _ if is_secret || is_auth_key(word) || bears_secret(word) => text += MASK,
                _ => text += word,
            }
            let is_assigned = after.trim_start_matches(['"', '\'', ' ', '\t']).starts_with(['=', ':']);
            if is_name(bare, is_assigned) {
                (is_secret, has_value) = (true, !is_assigned && !bare.starts_with('-'));
            } else {
                // a flag begins another pair
                is_secret &= !word.starts_with("--");
                has_value |= !matches!(word, "\\" | "`" | "|" | ">" | "|-" | ">-") && !word.starts_with("<<");
            }
        }
        rest = after;
    }
    let end = line.split_once("<<").map(|(_, end)| end.trim_matches(['-', '~', '"', '\'', ' ']).to_owned());
    let block = Block { indentation: indentation(line), end, is_first_line: true };
    MaskedLine { text, opens: (is_secret && !has_value).then_some(block) }
}

/// Whether a word is an auth key. The rest of a URL, which is as long as one, is none.
fn is_auth_key(word: &str) -> bool {
    !word.starts_with("//") && AuthMethod::of(Setting::Auth, word) == AuthMethod::Key
}

/// Whether a secret follows a word. `is_assigned` says that `=` or `:` does.
fn is_name(word: &str, is_assigned: bool) -> bool {
    let lower = word.to_ascii_lowercase();
    if is_assigned || word.starts_with('-') {
        return is_secret_name(word) || MORE_SECRET_NAMES.iter().any(|name| lower.ends_with(name));
    }
    BEFORE_SECRETS.iter().any(|name| lower.ends_with(name))
}

fn is_separator(character: char) -> bool {
    "\"' ,=\t;:".contains(character)
}

/// The length of the first word, in which a reference is not separated.
fn word_length(text: &str) -> usize {
    let mut rest = text;
    while let Some(first) = rest.chars().next().filter(|first| !is_separator(*first)) {
        let length = expression_length(rest).or_else(|| reference_length(rest)).unwrap_or(first.len_utf8());
        rest = rest.get(length..).unwrap_or_default();
    }
    text.len() - rest.len()
}

/// What follows a URL or a user with a password at the beginning of a text.
fn credentials(text: &str) -> Option<&str> {
    let of_user = near(text).find(['"', '\'', ' ', '\t', '@', '=']).and_then(|end| near(text).get(end..));
    let is_scheme =
        near(text).find(is_separator).and_then(|end| text.get(end..)).is_some_and(|rest| rest.starts_with("://"));
    if !is_scheme && !of_user.is_some_and(|rest| rest.starts_with('@')) {
        return None;
    }
    let end = text.find(['"', '\'', ' ', '\t']).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    (reference_length(word).is_none() && bears_secret(word)).then_some(after)
}

/// The beginning of a text. References are looked at only as far as this, so that each of many costs the same.
fn near(text: &str) -> &str {
    text.get(..text.floor_char_boundary(NEAR_BYTES)).unwrap_or_default()
}

/// Whether a word, without brackets around it, is one whole reference.
fn is_reference(word: &str) -> bool {
    let is_whole = |opening: &[char]| {
        let inner = word.trim_start_matches(opening);
        reference_length(inner).and_then(|length| inner.get(length..))
    };
    is_whole(&['(', '[']).is_some_and(|rest| rest.trim_start_matches([')', ']', '}']).is_empty())
        || is_whole(&['(', '[', '{']).is_some_and(str::is_empty)
}

/// The length of the expression in braces at the beginning of a text.
fn expression_length(text: &str) -> Option<usize> {
    let forms = [("${{", "}}"), ("{{", "}}"), ("${", "}")];
    let (_, closing) = forms.into_iter().find(|(opening, _)| text.starts_with(opening))?;
    near(text).find(closing).map(|end| end + closing.len())
}

/// The length of the reference to a variable at the beginning of a text.
fn reference_length(text: &str) -> Option<usize> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let name = |text: &str| text.find(|letter| !is_letter(letter)).unwrap_or(text.len());
    if let Some(length) = expression_length(text) {
        let inner = text.get(..length)?.trim_start_matches(['$', '{']).trim_end_matches('}');
        // after these characters an expression can have a default value
        let is_plain = !inner.contains(['"', '\'', ':', '=', '|']) && (inner.contains('.') || !inner.contains('-'));
        return is_plain.then_some(length);
    }
    if text.starts_with("$(") {
        let mut depth = 0_usize;
        let end = near(text).bytes().position(|byte| {
            depth = match byte {
                b'(' => depth + 1,
                b')' => depth.saturating_sub(1),
                _ => return false,
            };
            depth == 0
        });
        return end.map(|end| end + 1);
    }
    if let Some(variable) = text.strip_prefix('$') {
        // `$$NAME` in a Makefile, `$env:NAME` in PowerShell
        let variable = variable.strip_prefix('$').or_else(|| variable.strip_prefix("env:")).unwrap_or(variable);
        let length = name(variable);
        return (length > 0).then_some(text.len() - variable.len() + length);
    }
    if let Some(variable) = text.strip_prefix('%') {
        let length = name(variable);
        return variable.get(length..)?.starts_with('%').then_some(length + 2).filter(|length| *length > 2);
    }
    TERRAFORM_REFERENCES
        .iter()
        .any(|start| text.starts_with(start))
        .then(|| text.find(|letter: char| !is_letter(letter) && !".[]*-".contains(letter)).unwrap_or(text.len()))
}

/// Whether a word, without brackets around it, is not a secret whatever its name is.
fn is_known(word: &str) -> bool {
    KNOWN_WORDS.contains(&word)
        || word.eq_ignore_ascii_case(WORKLOAD_IDENTITY)
        || is_guid(word)
        || (word.starts_with('-') && !bears_secret(word))
        || word.starts_with("<<")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn values_that_can_be_secrets_are_masked() {
        for (line, expected) in [
            ("  --set gateway.auth.key=hunter2 --set a=b", "  --set gateway.auth.key=*** --set a=b"),
            ("    password = \"hunter2 b\"", "    password = \"*** ***\""),
            ("    password: hunter2", "    password: ***"),
            ("    token: abc", "    token: ***"),
            ("    password = \"p%ss$word\"", "    password = \"***\""),
            ("    password = \"$word!\"", "    password = \"***\""),
            ("    value = \"GatewayKey a&202701010000&c2Vj\"", "    value = \"*** ***\""),
            ("    value = \"GatewayKey orders&202701010000&c2Vj%2Bdef\"", "    value = \"*** ***\""),
            ("x GatewayKey a&202701010000&c2Vj", "x *** ***"),
            ("  x = \"orders&202701010000&bm8gcHJlZml4IGJ1dCBhIGtleQ==\"", "  x = \"***==\""),
            ("  uri: https://user:hunt,er2@contoso.example/a", "  uri: ***"),
            ("  --set a=https://contoso.example/a?x=hunter2,b=c d", "  --set a=*** d"),
            ("  curl -H 'Authorization: Bearer abc'", "  curl -H 'Authorization: *** ***'"),
            ("  --token ${TOKEN:-hunter2}", "  --token ***"),
            ("  --set key=$(echo token=hunter2)", "  --set key=$(echo token=***)"),
            ("  password: |\n    hunter2\n\n    b\n  name: a", "  password: |\n    ***\n\n    ***\n  name: a"),
            ("  password = <<EOT\nhunter2\nEOT\n  a = b", "  password = <<EOT\n***\nEOT\n  a = b"),
            ("  --password \\\n  hunter2 \\\n  --set a=b", "  --password \\\n  *** \\\n  --set a=b"),
        ] {
            assert_eq!(masked_text(line), expected, "{line}");
        }
    }

    #[test]
    fn twice_the_text_costs_about_twice_the_time() {
        let nested = |count: usize| format!("a=$(x {}y{} b", "$(x ".repeat(count), ")".repeat(count + 1));
        let forms: [&dyn Fn(usize) -> String; 5] = [
            &|count| format!("a={}", "$(".repeat(count)),
            &|count| format!("a={}", "${{".repeat(count)),
            &|count| format!("--set {}", "a,".repeat(count)),
            &|count| format!("--set {}", "a=b,".repeat(count)),
            &nested,
        ];
        let time = |text: &str| {
            let start = Instant::now();
            assert!(!masked_text(text).is_empty());
            start.elapsed()
        };
        for (index, text) in forms.iter().enumerate() {
            let (short, long) = (text(20_000), text(80_000));
            let best = |text: &str| (0..3).map(|_| time(text)).min().unwrap_or_default();
            let (short, long) = (best(&short), best(&long));
            // a quadratic time would be 16 times as long
            assert!(long < 10 * short, "form {index}: {short:?} {long:?}");
        }
    }

    #[test]
    fn references_and_other_values_are_shown() {
        for line in [
            "    token = var.token",
            "    token = \"${var.token}\"",
            "  --set gateway.auth.key=\"$TOKEN\"",
            "  --set gateway.auth.key=$(cat file)",
            "  key: ${{ secrets.TOKEN }}",
            "  token: {{ .Values.token }}",
            "  token=%TOKEN%",
            "  -Password $env:TOKEN",
            "  --set gateway.auth.type=WorkloadIdentity",
            "  --set secret.createSecret=false",
            "    name  = \"gateway.name\"",
            "  - task: AzureKeyVault@2\n    inputs:\n      name: a",
            "  --repo https://azure.github.io/api-management-self-hosted-gateway/helm-charts/ --version 1.15.1",
            "a\r\nb",
        ] {
            assert_eq!(masked_text(line), line, "{line}");
        }
    }
}
