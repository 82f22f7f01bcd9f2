//! Finds the known name that a misspelled name is most similar to.

use similar::algorithms::{Capture, myers};
use similar::diff_ratio;

/// The value of the `known` name that is most similar to `name`; `None` if no similarity (0 to 1) reaches `minimum`.
pub fn nearest<'k, T>(name: &str, known: impl IntoIterator<Item = (&'k str, T)>, minimum: f32) -> Option<T> {
    let measured = known.into_iter().map(|(known, value)| (similarity(known, name), value));
    let similar = measured.filter(|(similarity, _)| *similarity >= minimum);
    similar.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, value)| value)
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
