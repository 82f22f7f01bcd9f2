//! Writes an object as people write it in a file: in any style of YAML, with comments, anchors and tags.

use super::secret::Canaries;
use serde_json::Value;

/// Writes objects in random styles.
pub(crate) struct Writer<'c> {
    /// Source of randomness, and of the secrets in comments.
    pub(crate) canaries: &'c mut Canaries,
}

impl Writer<'_> {
    /// A YAML document.
    pub(crate) fn document(&mut self, object: &Value) -> String {
        match self.canaries.below(6) {
            0 => escaped(&object.to_string()) + "\n",
            1 => escaped(&format!("{object:#}")) + "\n",
            // a value of another type may have replaced the object
            _ if object.is_object() => self.block(object, 0),
            _ => escaped(&object.to_string()) + "\n",
        }
    }

    /// A block collection, one member a line, with a line break at the end.
    fn block(&mut self, value: &Value, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let mut block = String::new();
        for (key, member) in value.as_object().into_iter().flatten() {
            let key = if is_plain(key) { key.clone() } else { quoted(key) };
            block += &format!("{indent}{key}:{}", self.member(member, depth));
        }
        for element in value.as_array().into_iter().flatten() {
            block += &format!("{indent}-{}", self.member(element, depth));
        }
        block
    }

    fn member(&mut self, value: &Value, depth: usize) -> String {
        match value {
            Value::Object(members) if !members.is_empty() && !self.canaries.one_in(8) => {
                format!("\n{}", self.block(value, depth + 1))
            }
            Value::Array(elements) if !elements.is_empty() && !self.canaries.one_in(8) => {
                format!("\n{}", self.block(value, depth + 1))
            }
            Value::String(text) => self.text(text, depth),
            flow => format!(" {}\n", escaped(&flow.to_string())),
        }
    }

    fn text(&mut self, text: &str, depth: usize) -> String {
        let property = match self.canaries.below(16) {
            0 => " !!str",
            1 => " &anchor",
            _ => "",
        };
        let is_line = !text.is_empty() && !text.chars().any(char::is_control);
        let is_block = !text.starts_with(' ')
            && text.split('\n').all(|line| !line.trim().is_empty() && !line.chars().any(char::is_control));
        let written = match self.canaries.below(4) {
            0 if is_plain(text) => text.to_owned(),
            1 if is_line => format!("'{}'", text.replace('\'', "''")),
            2 if is_block => {
                let indent = format!("\n{}", "  ".repeat(depth + 1));
                return format!("{property} |-{indent}{}\n", text.replace('\n', &indent));
            }
            _ => quoted(text),
        };
        let comment = if self.canaries.one_in(8) { format!(" # {}", self.comment()) } else { String::new() };
        format!("{property} {written}{comment}\n")
    }

    fn comment(&mut self) -> String {
        self.canaries.secret().replace(char::is_control, " ")
    }
}

/// A double-quoted text, with every character escaped that YAML does not allow.
fn quoted(text: &str) -> String {
    escaped(&Value::from(text).to_string())
}

/// Escapes the one control character that JSON allows and YAML does not.
fn escaped(json: &str) -> String {
    json.replace('\u{7f}', "\\u007f")
}

/// Is the text a string in YAML without quotes?
fn is_plain(text: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "/._-=&~".contains(letter);
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(is_allowed)
        && !["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str())
}
