//! The order of files of which some need others.

use std::collections::{BTreeMap, BTreeSet};

/// The numbers below `count` in an order in which the first of each pair is before the second, and else ascending. Of
/// numbers that need each other, the lowest is first.
pub(super) fn ordered(count: usize, needs: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let needs: BTreeSet<(usize, usize)> = needs.filter(|(first, then)| first != then).collect();
    let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, then) in &needs {
        *waiting.entry(*then).or_default() += 1;
    }
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|at| !waiting.contains_key(at)).collect();
    let mut ordered = Vec::new();
    while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&next);
        ordered.push(next);
        for (_, then) in needs.range((next, 0)..=(next, usize::MAX)) {
            if is_released(&mut waiting, *then) && left.contains(then) {
                ready.insert(*then);
            }
        }
    }
    ordered
}

/// Whether a number waits for nothing any more, after one that it needs.
fn is_released(waiting: &mut BTreeMap<usize, usize>, at: usize) -> bool {
    let count = waiting.entry(at).or_insert(1);
    *count = count.saturating_sub(1);
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn what_is_needed_is_first() {
        assert_eq!(ordered(4, [(3, 0), (2, 0), (1, 2)].into_iter()), [1, 2, 3, 0]);
        assert_eq!(ordered(3, std::iter::empty()), [0, 1, 2]);
        // two files that need each other, and one that needs itself
        assert_eq!(ordered(3, [(1, 2), (2, 1), (0, 0)].into_iter()), [0, 1, 2]);
    }
}
