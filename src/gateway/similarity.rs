//! What a misspelt name is most like.

use similar::algorithms::{Capture, myers};
use similar::diff_ratio;

/// The one of `known` that `name` is most like; none if its likeness (0 to 1) is below `least`.
pub(crate) fn nearest<'k, T>(name: &str, known: impl IntoIterator<Item = (&'k str, T)>, least: f32) -> Option<T> {
    let measured = known.into_iter().map(|(known, value)| (similarity(known, name), value));
    let near = measured.filter(|(similarity, _)| *similarity >= least);
    near.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, value)| value)
}

/// How much of both is the same. By Myers' algorithm alone: to choose one when it runs would take all of them into the
/// binary, half a megabyte.
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
    fn the_nearest_is_found_if_it_is_near() {
        let known = [("client-id", 1), ("tenant-id", 2)];
        for (name, least, found) in [
            ("client-id", 1.0, Some(1)),
            ("clientid", 0.7, Some(1)),
            ("tenant", 0.7, Some(2)),
            ("tenant", 0.9, None),
            ("note", 0.7, None),
            ("", 0.7, None),
        ] {
            assert_eq!(nearest(name, known, least), found, "{name}");
        }
    }
}
