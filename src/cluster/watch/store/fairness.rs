//! The budget is shared fairly, whatever is put into the cache and removed from it.

use super::*;
use apim_keyless_core::gateway::ConfigMap;
use proptest::collection::vec;
use proptest::prelude::*;

/// The namespaces, at most. Of so many, one holds at least 1/64 of a full budget.
const NAMESPACES: usize = 64;
/// The names of `ConfigMap`s in each.
const NAMES: usize = 8;
/// 1/64 of it is less than most objects take, and it is less than all objects together take.
const LIMIT: usize = NAMESPACES * 700;

/// What happens to a `ConfigMap`.
#[derive(Clone, Debug)]
enum Step {
    /// It is created or changed. Its setting has this many bytes.
    Put(usize, usize, usize),
    /// It is deleted.
    Remove(usize, usize),
}

/// The sizes of the cached objects, by namespace and name.
type Held = BTreeMap<String, BTreeMap<String, usize>>;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // few namespaces fill the budget with many objects each, many with few
    (1..=NAMESPACES).prop_flat_map(|namespaces| {
        let put = (0..namespaces, 0..NAMES, 0..1000_usize).prop_map(|(at, name, bytes)| Step::Put(at, name, bytes));
        // one namespace gets more than the others
        let put_first = (0..NAMES, 0..1000_usize).prop_map(|(name, bytes)| Step::Put(0, name, bytes));
        let remove = (0..namespaces, 0..NAMES).prop_map(|(at, name)| Step::Remove(at, name));
        vec(prop_oneof![6 => put, 1 => put_first, 1 => remove], 1..300)
    })
}

fn config_map(name: usize, bytes: usize) -> CachedObject {
    let data = BTreeMap::from([("config.service.endpoint".to_owned(), "x".repeat(bytes))]);
    CachedObject::ConfigMap(ConfigMap::for_cache(name.to_string(), data, []))
}

fn held(store: &Store) -> Held {
    let sizes = |cache: &NamespaceCache| {
        cache.names(Kind::ConfigMap).map(|name| (name.to_owned(), cache.size(Kind::ConfigMap, name))).collect()
    };
    store.namespaces.iter().map(|(namespace, cache)| (namespace.clone(), sizes(cache))).collect()
}

fn total(held: &Held, namespace: &str) -> usize {
    held.get(namespace).map_or(0, |objects| objects.values().sum())
}

/// The namespaces that lost objects, and the size of the largest object that each lost.
fn losses(before: &Held, after: &Held, changed: (&str, &str)) -> BTreeMap<String, usize> {
    let is_lost = |namespace: &str, name: &str| {
        (namespace, name) != changed && after.get(namespace).is_none_or(|objects| !objects.contains_key(name))
    };
    let largest = |(namespace, objects): (&String, &BTreeMap<String, usize>)| {
        let lost = objects.iter().filter(|(name, _)| is_lost(namespace, name)).map(|(_, size)| *size);
        Some((namespace.clone(), lost.max()?))
    };
    before.iter().filter_map(largest).collect()
}

/// Checks what a put of an object of `size` bytes did.
fn check_put(before: &Held, after: &Held, changed: (&str, &str), size: usize) {
    let (namespace, name) = changed;
    let old = before.get(namespace).and_then(|objects| objects.get(name)).copied().unwrap_or_default();
    // what the namespace holds with the new object
    let level = total(before, namespace) - old + size;
    let losses = losses(before, after, changed);
    for (loser, largest) in &losses {
        let (was, is) = (total(before, loser), total(after, loser));
        assert!(was > level, "{loser} held {was} and lost to {namespace}, which holds {level}");
        assert!(was * NAMESPACES >= LIMIT, "{loser} held only {was}");
        for other in after.keys() {
            let other_holds = total(after, other);
            assert!(other_holds <= is + largest, "{loser} lost, although {other} holds {other_holds}");
        }
    }
    let others = before.keys().filter(|other| *other != namespace);
    if after.get(namespace).is_some_and(|objects| objects.contains_key(name)) {
        let needed = others.map(|other| total(before, other)).sum::<usize>() + level;
        assert!(needed > LIMIT || losses.is_empty(), "it fitted without a loss");
    } else {
        assert!(losses.is_empty(), "nothing was gained");
        assert!(level * NAMESPACES >= LIMIT, "{namespace} would hold only {level}");
        let fair = others.map(|other| total(before, other).min(level)).sum::<usize>() + level;
        assert!(fair > LIMIT, "{namespace} would hold {level}, and all that hold more have {fair} with it");
    }
}

proptest! {
    // each case has up to 300 steps, and each step is checked
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_namespace_that_holds_the_most_loses_first_and_none_below_a_64th(steps in steps()) {
        let mut store = Store::new(Scope::Cluster, LIMIT);
        for step in steps {
            let before = held(&store);
            let (Step::Put(at, name, _) | Step::Remove(at, name)) = step;
            let (namespace, text) = (format!("namespace-{at}"), name.to_string());
            let mut size = None;
            if let Step::Put(_, _, bytes) = step {
                let object = config_map(name, bytes);
                size = Some(object.size());
                store.put(&namespace, object);
            } else {
                store.remove(Kind::ConfigMap, &namespace, &text);
            }
            let (after, changed) = (held(&store), (namespace.as_str(), text.as_str()));
            let bytes: usize = after.keys().map(|namespace| total(&after, namespace)).sum();
            prop_assert!(bytes <= LIMIT && store.budget.total() == bytes, "{bytes} of {LIMIT}");
            match size {
                Some(size) => check_put(&before, &after, changed, size),
                None => prop_assert!(losses(&before, &after, changed).is_empty()),
            }
            for loser in losses(&before, &after, changed).keys() {
                prop_assert!(!store.namespaces[loser].overflows.is_empty(), "its other objects would be absent");
            }
        }
    }
}

#[test]
fn of_equal_namespaces_none_loses_to_another() {
    let size = config_map(0, 100).size();
    let mut store = Store::new(Scope::Cluster, 100 * size);
    // more namespaces than 64, each below 1/64
    for at in 0..200 {
        store.put(&format!("namespace-{at:03}"), config_map(0, 100));
    }
    let held = held(&store);
    assert!((0..100).all(|at| total(&held, &format!("namespace-{at:03}")) == size));
    assert_eq!(store.budget.total(), 100 * size);
    // the first that grows gets nothing, and all others keep theirs
    store.put("namespace-000", config_map(1, 100));
    assert_eq!(self::held(&store), held);
}
