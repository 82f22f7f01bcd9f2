//! Finds a character that a person does not see, or takes for another one, in a value that has to match exactly.

use std::fmt;

/// How many characters of a text are searched: more than a valid value of anything has.
const CHARACTERS: usize = 1024;

/// A character that is invisible or looks like an ASCII character, and its place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OddCharacter {
    /// The character.
    pub character: char,
    /// Its place, from 1, in characters.
    pub place: usize,
}

impl OddCharacter {
    /// The first odd character of `text`, if it is near the beginning: none in plain ASCII without whitespace, quotes and
    /// control characters.
    pub fn find(text: &str) -> Option<Self> {
        let (index, character) = text.chars().take(CHARACTERS).enumerate().find(|(_, character)| is_odd(*character))?;
        Some(Self { character, place: index + 1 })
    }

    /// `text` without the characters that nobody means: whitespace, quotes and invisible characters. A letter of another
    /// alphabet stays.
    pub fn remove_unmeant(text: &str) -> String {
        let is_unmeant = |character: char| {
            character.is_whitespace()
                || Self::is_invisible(character)
                || matches!(name(character), "quote" | "curly quote")
        };
        text.chars().filter(|character| !is_unmeant(*character)).collect()
    }

    /// Returns true for a character that nothing shows.
    pub fn is_invisible(character: char) -> bool {
        matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
    }

    /// The reason for a message, such as `; it has U+200B at character 9`; empty if `text` has no odd character.
    pub fn reason(text: &str) -> String {
        Self::find(text).map(|odd| format!("; it has {odd}")).unwrap_or_default()
    }
}

impl fmt::Display for OddCharacter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "U+{:04X} ({}) at character {}", u32::from(self.character), name(self.character), self.place)
    }
}

fn is_odd(character: char) -> bool {
    !character.is_ascii_graphic() || matches!(character, '"' | '\'' | '`')
}

/// What the character is, for a person who does not see it.
fn name(character: char) -> &'static str {
    match character {
        '\n' | '\r' => "line break",
        '\t' => "tab",
        ' ' => "space",
        '"' | '\'' | '`' => "quote",
        '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2039}' | '\u{203a}' | '\u{300c}'..='\u{300f}' => {
            "curly quote"
        }
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "dash",
        other if OddCharacter::is_invisible(other) => "invisible character",
        other if other.is_whitespace() => "space that is not ASCII",
        other if other.is_control() => "control character",
        _ => "not ASCII",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_odd_character_is_named_with_its_place() {
        for (text, named) in [
            ("workload\u{200b}Identity", "U+200B (invisible character) at character 9"),
            ("\u{201c}true\u{201d}", "U+201C (curly quote) at character 1"),
            ("ä\u{a0}", "U+00E4 (not ASCII) at character 1"),
            ("a\u{a0}", "U+00A0 (space that is not ASCII) at character 2"),
            ("true ", "U+0020 (space) at character 5"),
            ("\"true\"", "U+0022 (quote) at character 1"),
            ("a\u{2011}b", "U+2011 (dash) at character 2"),
            ("true\r\n", "U+000D (line break) at character 5"),
            ("true\t", "U+0009 (tab) at character 5"),
            ("\u{7}true", "U+0007 (control character) at character 1"),
        ] {
            assert_eq!(OddCharacter::find(text).unwrap().to_string(), named);
        }
        assert_eq!(OddCharacter::find("3e0c6d1a-52a7-4b8e-9d55-0a1b2c3d4e5f"), None);
        assert_eq!(OddCharacter::reason("true "), "; it has U+0020 (space) at character 5");
        assert_eq!(OddCharacter::reason("true"), "");
        assert_eq!(OddCharacter::remove_unmeant("\u{201c}work\u{200b}load\u{a0}\u{201d}"), "workload");
        assert_eq!(OddCharacter::remove_unmeant("w\u{43e}rkload\u{301}"), "w\u{43e}rkload\u{301}");
    }
}
