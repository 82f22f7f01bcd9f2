//! Finds the known name that a misspelled name is most similar to.

use similar::algorithms::{Capture, myers};
use similar::diff_ratio;

/// The value of the `known` name that is most similar to `name`; `None` if no similarity (0 to 1) reaches `minimum`.
pub fn nearest<'k, T>(name: &str, known: impl IntoIterator<Item = (&'k str, T)>, minimum: f32) -> Option<T> {
    let measured = known.into_iter().map(|(known, value)| (similarity(known, name), value));
    let similar = measured.filter(|(similarity, _)| *similarity >= minimum);
    similar.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, value)| value)
}

/// Least similarity (0 to 1) of a text to an id for which [`meant`] returns that id.
const MIN_SIMILARITY: f32 = 0.6;
/// Least number of characters for which every id that begins with them is meant.
const PREFIX_CHARACTERS: usize = 2;

/// Longest text that is compared, in bytes: the cost of a comparison grows with the square.
const ID_BYTES: usize = 100;

/// The ids that a person who wrote `text` can have meant: every id that begins with it, else the most similar one.
pub fn meant<'k>(text: &str, ids: impl Iterator<Item = &'k str> + Clone) -> Vec<&'k str> {
    if text.len() > ID_BYTES {
        return Vec::new();
    }
    let lower = text.to_ascii_lowercase();
    let beginning: Vec<&str> = ids.clone().filter(|id| id.starts_with(&lower)).collect();
    if !beginning.is_empty() && text.chars().count() >= PREFIX_CHARACTERS {
        return beginning;
    }
    nearest(&lower, ids.map(|id| (id, id)), MIN_SIMILARITY).into_iter().collect()
}

/// `did you mean A, B or C?`; `None` for no ids.
pub fn did_you_mean(ids: &[&str]) -> Option<String> {
    let (last, others) = ids.split_last()?;
    let others = if others.is_empty() { String::new() } else { format!("{} or ", others.join(", ")) };
    Some(format!("did you mean {others}{last}?"))
}

/// How much of both texts is equal, from 0 to 1. Calls Myers' algorithm directly: `similar`'s runtime choice of an
/// algorithm would link all of them and add half a megabyte to the binary.
fn similarity(known: &str, name: &str) -> f32 {
    let (known, name) = (known.as_bytes(), name.as_bytes());
    let mut capture = Capture::new();
    let Ok(()) = myers::diff(&mut capture, known, 0..known.len(), name, 0..name.len());
    diff_ratio(capture.ops(), known.len(), name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_with_the_beginning_is_meant_and_else_the_most_similar_one() {
        let ids = ["auth-key-literal", "auth-key-reference", "missing-endpoint"];
        for (text, expected) in [
            ("auth-key", &ids[..2]),
            ("AUTH-KEY-LITERAL", &ids[..1]),
            ("missing-endpiont", &ids[2..]),
            ("a", &[]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(meant(text, ids.into_iter()), expected, "{text}");
        }
        assert_eq!(did_you_mean(&["a", "b", "c"]).unwrap(), "did you mean a, b or c?");
        assert_eq!((did_you_mean(&["a"]).unwrap().as_str(), did_you_mean(&[])), ("did you mean a?", None));
    }

    #[test]
    fn finds_the_most_similar_name_above_the_minimum() {
        let known = [("client-id", 1), ("tenant-id", 2)];
        for (name, minimum, found) in [
            ("client-id", 1.0, Some(1)),
            ("clientid", 0.7, Some(1)),
            ("tenant", 0.7, Some(2)),
            ("tenant", 0.9, None),
            ("note", 0.7, None),
            ("", 0.7, None),
        ] {
            assert_eq!(nearest(name, known, minimum), found, "{name}");
        }
    }
}
