//! The text of new values, in the style of the document.

use apim_keyless_core::gateway::is_guid;
use serde_json::{Map, Value};
use std::fmt::Write;

/// How a document is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// What a column of indentation is: a space, or a tab in JSON.
    pub(super) indent: char,
    /// Columns by which a nested mapping is indented.
    pub(super) step: usize,
    /// Columns by which the dashes of a sequence are indented below its key.
    pub(super) dash: usize,
    /// The document is JSON: keys and strings have double quotes.
    pub(super) is_json: bool,
    pub(super) line_break: &'static str,
}

/// Keys that people write first, in this order; the others follow in alphabetical order.
const FIRST_KEYS: [&str; 7] = ["apiVersion", "kind", "name", "namespace", "metadata", "labels", "annotations"];

impl Style {
    /// The text of a document, without a marker, with a line break at its end.
    pub(super) fn document(self, value: &Value) -> String {
        let text = if self.is_json { self.json_lines(value, 0) } else { self.block(value, 0) };
        text + self.line_break
    }

    /// The lines of a collection in block style, each at this column. The first has no indentation.
    pub(super) fn block(self, value: &Value, column: usize) -> String {
        let mut text = String::new();
        self.write_block(&mut text, value, column);
        text
    }

    fn write_block(self, text: &mut String, value: &Value, column: usize) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (index, (key, member)) in in_order(members).into_iter().enumerate() {
                    self.start_line(text, index, column);
                    self.write_member(text, key, member, column);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.start_line(text, index, column);
                    text.push_str("- ");
                    self.write_block(text, item, column + 2);
                }
            }
            scalar => text.push_str(&self.inline(scalar)),
        }
    }

    fn start_line(self, text: &mut String, index: usize, column: usize) {
        if index > 0 {
            text.push_str(self.line_break);
            text.push_str(&self.columns(column));
        }
    }

    /// The indentation of this many columns.
    pub(super) fn columns(self, count: usize) -> String {
        std::iter::repeat_n(self.indent, count).collect()
    }

    fn write_member(self, text: &mut String, key: &str, member: &Value, column: usize) {
        text.push_str(&self.key(key));
        text.push(':');
        text.push_str(&self.member_value(member, column));
    }

    /// What follows the colon of a block mapping's key at this column.
    pub(super) fn member_value(self, value: &Value, column: usize) -> String {
        let nested = match value {
            Value::Object(members) if !members.is_empty() => column + self.step,
            Value::Array(items) if !items.is_empty() => column + self.dash,
            scalar => return format!(" {}", self.inline(scalar)),
        };
        format!("{}{}{}", self.line_break, self.columns(nested), self.block(value, nested))
    }

    /// A value in one line.
    pub(super) fn inline(self, value: &Value) -> String {
        if self.is_json {
            return value.to_string();
        }
        match value {
            Value::String(text) => scalar(text),
            Value::Object(members) => {
                let members = in_order(members);
                let members: Vec<_> =
                    members.iter().map(|(key, member)| format!("{}: {}", self.key(key), self.inline(member))).collect();
                format!("{{{}}}", members.join(", "))
            }
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.inline(item)).collect();
                format!("[{}]", items.join(", "))
            }
            scalar => scalar.to_string(),
        }
    }

    /// A value of a JSON document whose lines are indented, at this column.
    pub(super) fn json_lines(self, value: &Value, column: usize) -> String {
        let mut text = String::new();
        self.write_json(&mut text, value, column);
        text
    }

    fn write_json(self, text: &mut String, value: &Value, column: usize) {
        let (open, close, parts): (_, _, Vec<(Option<&String>, &Value)>) = match value {
            Value::Object(members) if !members.is_empty() => {
                ('{', '}', in_order(members).into_iter().map(|(key, member)| (Some(key), member)).collect())
            }
            Value::Array(items) if !items.is_empty() => ('[', ']', items.iter().map(|item| (None, item)).collect()),
            scalar => return text.push_str(&scalar.to_string()),
        };
        text.push(open);
        for (index, (key, part)) in parts.into_iter().enumerate() {
            // Writing to a String cannot fail.
            _ = write!(text, "{}{}", if index > 0 { "," } else { "" }, self.line_break);
            text.push_str(&self.columns(column + self.step));
            if let Some(key) = key {
                _ = write!(text, "{}: ", self.key(key));
            }
            self.write_json(text, part, column + self.step);
        }
        _ = write!(text, "{}{}{close}", self.line_break, self.columns(column));
    }

    pub(super) fn key(self, key: &str) -> String {
        if self.is_json { quoted(key) } else { scalar(key) }
    }
}

/// A string as a YAML scalar: plain if no reader takes it for anything else.
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// A string in double quotes, which YAML reads as JSON does.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A string in single quotes; `None` if that cannot express it.
pub(super) fn single_quoted(text: &str) -> Option<String> {
    let is_plain = text.chars().all(|character| (' '..='~').contains(&character));
    is_plain.then(|| format!("'{}'", text.replace('\'', "''")))
}

/// Plain scalars, in lower case, that are no strings for YAML 1.1 or 1.2.
const OTHER_TYPES: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];

/// Returns true if a plain scalar with this text is a string for YAML 1.1 and 1.2, also where people would quote it to be
/// sure: a version of three numbers or more, a GUID, and a text with further characters that have no meaning in it.
pub(super) fn can_be_plain(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    // two numbers are a number; of more, no reader takes them for one
    let is_version = || {
        let (numbers, rest) = text.split_once(['-', '+']).map_or((text, None), |(numbers, rest)| (numbers, Some(rest)));
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
        numbers.split('.').count() > 2
            && numbers.split('.').all(is_digits)
            && rest.is_none_or(|rest| !rest.is_empty() && rest.bytes().all(is_safe))
    };
    let is_safe = |letter: char| letter.is_alphanumeric() || "_./:-=+@".contains(letter);
    let is_word = || {
        text.starts_with(|first: char| first.is_alphabetic() || first == '/')
            && text.chars().all(is_safe)
            && !text.ends_with(':')
            && !OTHER_TYPES.contains(&text.to_ascii_lowercase().as_str())
    };
    is_version() || is_guid(text) || is_word()
}

/// Returns true if a plain scalar with this text is a string for YAML 1.1 and 1.2, and is often written without quotes.
pub(super) fn is_plain(text: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:-".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(is_safe)
        && !text.ends_with(':')
        && !OTHER_TYPES.contains(&text.to_ascii_lowercase().as_str())
}

fn in_order(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |key: &str| FIRST_KEYS.iter().position(|first| *first == key).unwrap_or(FIRST_KEYS.len());
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(key, _)| rank(key));
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STYLE: Style = Style { indent: ' ', step: 2, dash: 2, is_json: false, line_break: "\n" };

    #[test]
    fn strings_that_another_type_could_be_read_from_are_quoted() {
        for text in [
            "",
            "true",
            "Yes",
            "off",
            "1",
            "1.5",
            "0x1",
            "~",
            "null",
            "a: b",
            "a:",
            "- a",
            "*a",
            "2020-01-01",
            "y",
            "é",
            "a #b",
        ] {
            assert!(!is_plain(text), "{text}");
        }
        for text in ["workloadIdentity", "https://a.b:443/c", "config.service.auth", "apim-gateway", "v2", "/etc/a"] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn more_strings_can_stay_without_quotes() {
        for text in
            ["2.11.2", "1.12.0-rc.1", "1.2.3+a", "a=b", "é", "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10", "v1", "a:b@c"]
        {
            assert!(can_be_plain(text), "{text}");
        }
        for text in [
            "",
            "2.11",
            "1",
            "1.",
            "1..2",
            "1.2.3-",
            "1.2.3 #a",
            "2020-01-01",
            "1:30:00",
            "0x1",
            "1e5",
            "=",
            "a=b #c",
            "a: b",
            "a:",
            "yes",
            "-a",
            "@a",
            "a,b",
            "a]",
            "1_000.0.0",
            ".5.5.5",
        ] {
            assert!(!can_be_plain(text), "{text}");
        }
    }

    #[test]
    fn collections_are_written_in_block_style() {
        let value = json!({"kind": "A", "apiVersion": "v1", "spec": {"list": [{"name": "a", "value": "1"}, "b", {}], "none": []}});
        assert_eq!(
            STYLE.block(&value, 0),
            "apiVersion: v1\nkind: A\nspec:\n  list:\n    - name: a\n      value: \"1\"\n    - b\n    - {}\n  none: []"
        );
        let style = Style { dash: 0, ..STYLE };
        assert_eq!(style.block(&json!({"list": ["a"]}), 2), "list:\n  - a");
    }

    #[test]
    fn json_is_written_in_lines() {
        let style = Style { is_json: true, ..STYLE };
        assert_eq!(
            style.json_lines(&json!({"b": [1], "a": {}}), 2),
            "{\n    \"a\": {},\n    \"b\": [\n      1\n    ]\n  }"
        );
    }
}
