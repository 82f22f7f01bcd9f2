//! Texts of limited length. The API server validates an object after the webhooks have run, so a name in a review may
//! have megabytes, and a review may have thousands of findings.

use apim_keyless_core::policy::printable;
use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// Ends a text that was shortened.
const ELLIPSIS: &str = "...";

/// At most `bytes` of `text`, with an ellipsis where it was shortened.
pub(super) fn shortened(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(ELLIPSIS.len()));
    Cow::Owned(format!("{}{ELLIPSIS}", text.get(..end).unwrap_or_default()))
}

/// The parts with `separator` between them, at most `bytes`. Builds no parts beyond that.
pub(super) fn joined<T: AsRef<str>>(parts: impl Iterator<Item = T>, separator: &str, bytes: usize) -> String {
    let mut text = String::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            text += separator;
        }
        text += part.as_ref();
        if text.len() > bytes {
            return shortened(&text, bytes).into_owned();
        }
    }
    text
}

/// `text` for a field of a log event, with control characters escaped. It takes at most `bytes` of the line, in both
/// formats of the log.
pub(super) fn log_text(text: &str, bytes: usize) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.len() <= bytes && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut log_text = LogText::new(bytes);
    log_text.push(text);
    Cow::Owned(log_text.text)
}

/// A value for a field of a log event, as [`log_text`] writes it. Formats no more of it than that.
pub(super) fn log_value(value: &impl Display, bytes: usize) -> String {
    let mut log_text = LogText::new(bytes);
    // the only error is that the rest does not fit
    _ = write!(log_text, "{value}");
    log_text.text
}

/// A text for a field of a log event, which gets parts until it is full.
pub(super) struct LogText {
    /// The parts so far.
    pub(super) text: String,
    /// How many bytes of the line are left for it, without an ellipsis.
    left: usize,
    is_full: bool,
}

impl LogText {
    /// A text that takes at most `bytes` of the line, in both formats of the log.
    pub(super) fn new(bytes: usize) -> Self {
        Self { text: String::new(), left: bytes.saturating_sub(ELLIPSIS.len()), is_full: false }
    }

    /// Appends as much of `part` as fits, and an ellipsis if that is not all. Returns whether it is all.
    pub(super) fn push(&mut self, part: &str) -> bool {
        if self.is_full {
            return false;
        }
        // each byte takes at least one of the line, so a longer part does not fit
        let prefix = part.get(..part.floor_char_boundary(self.left)).unwrap_or_default();
        self.is_full = prefix.len() < part.len();
        for character in printable(prefix).chars() {
            let Some(left) = self.left.checked_sub(bytes_in_line(character)) else {
                self.is_full = true;
                break;
            };
            self.left = left;
            self.text.push(character);
        }
        if self.is_full {
            self.text += ELLIPSIS;
        }
        !self.is_full
    }
}

impl Write for LogText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.push(part) { Ok(()) } else { Err(fmt::Error) }
    }
}

/// How many bytes of a line a printable character takes in the format that escapes it more: JSON or Rust's `Debug`.
fn bytes_in_line(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        ' '..='~' => 1,
        _ => character.escape_debug().map(char::len_utf8).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_not_changed() {
        for text in ["", "orders", "a \"quoted\" \\ text", "größe"] {
            assert_eq!(log_text(text, 40), text);
            assert_eq!(log_value(&text, 40), text);
            assert_eq!(shortened(text, 40), text);
        }
        assert_eq!(log_text("line\nbreak", 40), "line\\nbreak");
    }

    #[test]
    fn a_log_text_fits_in_both_formats() {
        let parts = ["a", "\"", "\\", "\n", "\u{1}", "\u{7f}", "\u{ad}", "\u{300}", "\u{200b}", "\u{e0001}", "é", "😀"];
        for bytes in [3, 4, 10, 50, 512] {
            for part in parts {
                let text = log_text(&part.repeat(1000), bytes).into_owned();
                assert_eq!(log_value(&part.repeat(1000), bytes), text);
                // without the quotes
                let lengths = [format!("{text:?}").len() - 2, serde_json::to_string(&text).unwrap().len() - 2];
                assert!(lengths.iter().all(|length| *length <= bytes), "{lengths:?} of {bytes}: {text}");
                assert!(text.ends_with(ELLIPSIS), "{text}");
            }
        }
        assert_eq!(log_text(&"a".repeat(1000), 10), "aaaaaaa...");
    }

    #[test]
    fn no_part_is_built_beyond_the_limit() {
        let mut built = 0;
        let parts = (0..1000).map(|number| {
            built += 1;
            format!("{number:04}")
        });
        assert_eq!(joined(parts, ",", 12), "0000,0001...");
        assert_eq!(built, 3);
    }
}
