//! The texts of parts, with their placeholders replaced.

use super::{Part, Shape};
use std::iter::repeat_n;

impl Shape {
    /// The repetitions of a part, numbered from `first`, up to this length; at least one.
    pub(super) fn repeated(&self, part: &Part, bytes: usize, first: usize) -> String {
        let separator = if part.after.is_empty() { "," } else { "" };
        let mut text = part.before.to_owned();
        for number in first.. {
            self.fill(part.item, number, &mut text);
            if text.len() + part.item.len() > bytes {
                break;
            }
            text.push_str(separator);
        }
        text + part.after
    }

    /// Appends `text` with its placeholders replaced.
    pub(super) fn fill(&self, text: &str, number: usize, filled: &mut String) {
        for character in text.chars() {
            match character {
                '#' => filled.push_str(&number.to_string()),
                '%' => filled.push_str(&number.saturating_sub(1).to_string()),
                '~' => filled.extend(repeat_n(self.fill, self.text)),
                '^' => {
                    let start = filled.rfind('"').map_or(0, |quote| quote + 1);
                    let spelled = spelling(&filled.split_off(start), number);
                    filled.push_str(&spelled);
                }
                other => filled.push(other),
            }
        }
    }
}

/// The text with some of its letters in upper case: another spelling for each number below two to the power of the number
/// of its letters.
pub(super) fn spelling(text: &str, number: usize) -> String {
    let mut bits = number;
    let spelled = text.chars().map(|character| {
        if !character.is_ascii_lowercase() {
            return character;
        }
        let is_upper = bits % 2 == 1;
        bits /= 2;
        if is_upper { character.to_ascii_uppercase() } else { character }
    });
    spelled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced() {
        let part = Part {
            name: "",
            place: super::super::Place::Commands,
            variables: "",
            before: "<",
            item: "\"ab^#%~",
            after: ">",
        };
        let shape = Shape { text: 2, ..Shape::of(Shape::POD, &[]) };
        assert_eq!(shape.repeated(&part, 18, 0), r#"<"ab00aa"Ab10aa>"#);
    }

    #[test]
    fn each_number_gives_another_spelling() {
        let spellings: std::collections::BTreeSet<String> = (0..8).map(|number| spelling("a.bc", number)).collect();
        assert_eq!(spellings.len(), 8);
    }
}
