//! Which items of a list stay when the list changes.

use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// For each old item the index of the new item that it becomes; `None` for a removed item. The indices ascend.
///
/// Equal items stay. Between them, items of one name (`name: NAME`, `NAME=value`) are the same item with other fields. What is
/// left between those is changed in place if there are as many old items as new ones and they resemble each other.
pub(super) fn pairs(old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; old.len()];
    pair_gaps(&mut pairs, (old, new), |old, new| common(old, new, Some));
    pair_gaps(&mut pairs, (old, new), |old, new| common(old, new, name));
    pair_gaps(&mut pairs, (old, new), |old, new| {
        let are_similar = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_similar(old, new));
        if are_similar { (0..old.len()).map(|index| (index, index)).collect() } else { Vec::new() }
    });
    pairs
}

/// Adds the pairs that `find` finds in the items between those that have one.
fn pair_gaps<'v>(
    pairs: &mut [Option<usize>],
    (old, new): (&'v [Value], &'v [Value]),
    find: impl Fn(&'v [Value], &'v [Value]) -> Vec<(usize, usize)>,
) {
    let (mut old_start, mut new_start, mut found) = (0, 0, Vec::new());
    let known = pairs.iter().enumerate().filter_map(|(old, new)| Some((old, (*new)?)));
    for (old_end, new_end) in known.chain([(old.len(), new.len())]) {
        if let (Some(old), Some(new)) = (old.get(old_start..old_end), new.get(new_start..new_end)) {
            let in_gap = find(old, new).into_iter();
            found.extend(in_gap.map(|(old, new)| (old_start + old, new_start + new)));
        }
        (old_start, new_start) = (old_end + 1, new_end + 1);
    }
    for (old, new) in found {
        if let Some(pair) = pairs.get_mut(old) {
            *pair = Some(new);
        }
    }
}

/// The largest number of pairs of items with equal keys whose order is the same.
fn common<'v, K: Eq + Hash>(
    old: &'v [Value],
    new: &'v [Value],
    key: impl Fn(&'v Value) -> Option<K>,
) -> Vec<(usize, usize)> {
    let mut places: HashMap<K, VecDeque<usize>> = HashMap::new();
    for (index, item) in new.iter().enumerate() {
        if let Some(key) = key(item) {
            places.entry(key).or_default().push_back(index);
        }
    }
    let pair = |(index, item): (usize, &'v Value)| Some((index, places.get_mut(&key(item)?)?.pop_front()?));
    let pairs: Vec<(usize, usize)> = old.iter().enumerate().filter_map(pair).collect();
    longest_ascending(&pairs)
}

/// The longest part of pairs whose second numbers ascend, as the first ones do.
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // for each length the least second number with which a part of this length ends, and its index
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, (_, new)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|(end, _)| end < new);
        before.push(length.checked_sub(1).and_then(|length| ends.get(length)).map(|(_, index)| *index));
        match ends.get_mut(length) {
            Some(end) => *end = (*new, index),
            None => ends.push((*new, index)),
        }
    }
    let mut part = Vec::with_capacity(ends.len());
    let mut next = ends.last().map(|(_, index)| *index);
    while let Some(index) = next {
        part.extend(pairs.get(index));
        next = before.get(index).copied().flatten();
    }
    part.reverse();
    part
}

/// The name of an item, by which it is the same item although its fields have changed.
fn name(item: &Value) -> Option<&str> {
    match item {
        Value::String(text) => text.split_once('=').map(|(name, _)| name),
        item => item.get("name")?.as_str(),
    }
}

/// Whether an item without a name can be another one with changes: a comment beside it stays.
fn is_similar(old: &Value, new: &Value) -> bool {
    match (old, new) {
        _ if name(old).is_some() || name(new).is_some() => false,
        (Value::Object(old), Value::Object(new)) => old.is_empty() || old.keys().any(|key| new.contains_key(key)),
        (Value::Array(_), Value::Array(_)) => true,
        _ => !old.is_object() && !old.is_array() && !new.is_object() && !new.is_array(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_items_stay_then_those_of_one_name() {
        for (old, new, expected) in [
            (json!(["a", "b"]), json!(["b", "c"]), vec![None, Some(0)]),
            (json!(["a", "b", "c"]), json!(["x", "b", "y"]), vec![Some(0), Some(1), Some(2)]),
            (json!(["c", "a", "b"]), json!(["a", "b", "c"]), vec![None, Some(0), Some(1)]),
            (json!(["a", "a", "b"]), json!(["a", "b"]), vec![Some(0), None, Some(1)]),
            (json!(["a=1", "b=2"]), json!(["b=3", "c=4"]), vec![None, Some(0)]),
            (json!([{"name": "a"}, {"name": "b"}]), json!([{"name": "b"}, {"name": "c"}]), vec![None, Some(0)]),
            (json!([{"name": "a"}]), json!([{"name": "a", "value": 1}]), vec![Some(0)]),
            (json!([{"name": "a"}]), json!([{"name": "b"}]), vec![None]),
            (json!([{"a": {"name": "b"}}]), json!([{"a": {"name": "c"}}]), vec![Some(0)]),
            (json!([{"a": 1}]), json!([{"b": 1}]), vec![None]),
            (json!([[1], null]), json!([[2], true]), vec![Some(0), Some(1)]),
        ] {
            assert_eq!(pairs(old.as_array().unwrap(), new.as_array().unwrap()), expected, "{old} {new}");
        }
    }
}
