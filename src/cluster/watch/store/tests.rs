use super::*;
use apim_keyless_core::gateway::{ConfigMap, Coverage, Lookup, RelatedObjects, ServiceAccount};

pub(super) const KIBIBYTE: usize = 1024;
/// A key that is cached with its value.
const SETTING: &str = "config.service.endpoint";

fn keys(pairs: &[(&str, &str)]) -> StringMap {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn config_map(name: &str, text: &str) -> CachedObject {
    CachedObject::ConfigMap(ConfigMap::for_cache(name.to_owned(), keys(&[(SETTING, text)]), []))
}

/// The text of the only setting of a `ConfigMap`.
fn text_of(config_map: &ConfigMap) -> &str {
    config_map.settings().map(|(.., text)| text).next().unwrap()
}

fn account(name: &str) -> CachedObject {
    CachedObject::ServiceAccount(ServiceAccount::for_cache(name.to_owned(), &StringMap::new(), &StringMap::new()))
}

pub(super) fn put_enforced(store: &mut Store, name: &str) {
    let annotations = keys(&[("apim-keyless.dev/client-id", "a"), ("team", "orders")]);
    store.put_namespace(name, &keys(&[("apim-keyless.dev/mode", "enforce")]), &annotations);
}

/// A store that has listed the covered namespace `orders`, with a `ConfigMap` and a `ServiceAccount`, and the
/// namespace `other`, which is not covered.
pub(super) fn listed_store() -> Store {
    let mut store = Store::new(Scope::OptIn, 64 * KIBIBYTE);
    store.start_list(Kind::Namespace);
    put_enforced(&mut store, "orders");
    store.put_namespace("other", &StringMap::new(), &StringMap::new());
    store.complete_list(Kind::Namespace);
    list(&mut store, &["orders", "other"]);
    store
}

pub(super) fn list(store: &mut Store, namespaces: &[&str]) {
    for kind in CACHED_KINDS {
        store.start_list(kind);
    }
    for namespace in namespaces {
        store.put(namespace, config_map("env", "text"));
        store.put(namespace, account("gateway"));
    }
    for kind in CACHED_KINDS {
        store.complete_list(kind);
    }
}

pub(super) fn of(store: &mut Store, namespace: &str) -> Arc<RelatedObjects> {
    store.snapshot().related_objects(namespace).unwrap()
}

#[test]
fn a_cached_object_is_found_and_any_other_is_absent() {
    let mut store = listed_store();
    let orders = of(&mut store, "orders");
    assert!(matches!(orders.config_map("env"), Lookup::Found(_)));
    assert!(matches!(orders.service_account("gateway"), Lookup::Found(_)));
    assert!(orders.config_map("other") == Lookup::Absent && orders.service_account("other") == Lookup::Absent);
    assert_eq!(orders.namespace_annotations, keys(&[("apim-keyless.dev/client-id", "a")]));
}

#[test]
fn of_a_namespace_that_is_not_covered_only_annotations_are_cached() {
    let mut store = listed_store();
    let other = of(&mut store, "other");
    assert!(other.config_map("env") == Lookup::Unknown && other.coverage == Coverage::Partial);
    assert!(store.snapshot().related_objects("nowhere").is_none());
}

#[test]
fn the_cache_is_complete_once_every_kind_was_listed() {
    let mut store = Store::new(Scope::OptIn, KIBIBYTE);
    for kind in [Kind::Namespace, Kind::ConfigMap, Kind::ServiceAccount] {
        assert!(!store.is_complete());
        store.start_list(kind);
        store.complete_list(kind);
    }
    assert!(store.is_complete());
}

#[test]
fn a_namespace_that_opts_in_is_part_of_the_next_list() {
    let mut store = listed_store();
    assert!(store.next_list("").is_none());
    put_enforced(&mut store, "other");
    assert!(store.next_list("").is_some());
    // objects that arrive before the list are cached, but no object counts as absent
    store.put("other", config_map("late", "text"));
    let other = of(&mut store, "other");
    assert!(matches!(other.config_map("late"), Lookup::Found(_)) && other.config_map("env") == Lookup::Unknown);
    assert_eq!(of(&mut store, "orders").coverage, Coverage::Complete);
    list(&mut store, &["orders", "other"]);
    assert!(store.next_list("").is_none());
    let other = of(&mut store, "other");
    assert!(other.config_map("late") == Lookup::Absent && matches!(other.config_map("env"), Lookup::Found(_)));
    store.put_namespace("other", &StringMap::new(), &StringMap::new());
    assert!(of(&mut store, "other").config_map("env") == Lookup::Unknown);
}

#[test]
fn a_list_that_started_before_a_namespace_opted_in_does_not_cover_it() {
    let mut store = listed_store();
    for kind in CACHED_KINDS {
        store.start_list(kind);
    }
    put_enforced(&mut store, "other");
    for kind in CACHED_KINDS {
        store.complete_list(kind);
    }
    assert!(store.next_list("").is_some());
    assert_eq!(of(&mut store, "other").coverage, Coverage::Partial);
    // objects of other namespaces that were not in that list are removed
    assert!(of(&mut store, "orders").config_map("env") == Lookup::Absent);
}

#[test]
fn no_object_counts_as_absent_while_changes_may_be_missed() {
    for kind in [Kind::Namespace, Kind::ConfigMap, Kind::ServiceAccount] {
        let mut store = listed_store();
        store.fail(kind);
        let orders = of(&mut store, "orders");
        assert!(matches!(orders.config_map("env"), Lookup::Found(_)) && orders.config_map("b") == Lookup::Unknown);
        store.start_list(kind);
        assert_eq!(of(&mut store, "orders").coverage, Coverage::Partial);
    }
}

#[test]
fn what_is_stale_is_unknown_until_it_is_listed_again() {
    let found = |store: &mut Store| {
        let orders = of(store, "orders");
        let lookups = (orders.config_map("env"), orders.service_account("gateway"));
        (matches!(lookups.0, Lookup::Found(_)), matches!(lookups.1, Lookup::Found(_)))
    };
    for (kind, expected) in
        [(Kind::ConfigMap, (false, true)), (Kind::ServiceAccount, (true, false)), (Kind::Namespace, (true, true))]
    {
        let mut store = listed_store();
        store.put("orders", config_map("large", &"x".repeat(KIBIBYTE)));
        let before = store.budget.total();
        store.forget(kind);
        assert!(store.is_stale(kind) && store.cache_status().stale[&kind] && !store.cache_status().is_current);
        assert_eq!(found(&mut store), expected, "{kind}");
        let orders = of(&mut store, "orders");
        assert!(orders.config_map("b") == Lookup::Unknown && orders.service_account("b") == Lookup::Unknown);
        assert_eq!(orders.namespace_annotations, keys(&[("apim-keyless.dev/client-id", "a")]));
        assert!(kind == Kind::Namespace || store.budget.total() < before);
        // what arrives in the new list counts at once, what does not arrive is absent once the list is complete
        store.start_list(kind);
        put_enforced(&mut store, "orders");
        store.put("orders", config_map("env", "text"));
        store.put("orders", account("gateway"));
        assert!(store.is_stale(kind) && found(&mut store) == (true, true));
        assert!(of(&mut store, "orders").config_map("b") == Lookup::Unknown);
        store.complete_list(kind);
        assert!(!store.is_stale(kind) && store.cache_status().is_current);
        assert!(of(&mut store, "orders").config_map("b") == Lookup::Absent);
    }
}

#[test]
fn in_scope_cluster_objects_can_arrive_before_their_namespace() {
    let mut store = Store::new(Scope::Cluster, KIBIBYTE * KIBIBYTE);
    store.start_list(Kind::Namespace);
    store.complete_list(Kind::Namespace);
    list(&mut store, &["orders", "kube-system"]);
    assert!(store.snapshot().related_objects("orders").is_none());
    store.put("new", config_map("env", "text"));
    for name in ["orders", "new", "kube-system"] {
        store.put_namespace(name, &StringMap::new(), &StringMap::new());
    }
    assert!(store.next_list("").is_none());
    for name in ["orders", "new"] {
        let related = of(&mut store, name);
        assert!(matches!(related.config_map("env"), Lookup::Found(_)) && related.coverage == Coverage::Complete);
    }
    assert!(of(&mut store, "kube-system").config_map("env") == Lookup::Unknown);
}

#[test]
fn in_scope_cluster_objects_stay_until_their_own_event_removes_them() {
    let mut store = Store::new(Scope::Cluster, KIBIBYTE * KIBIBYTE);
    store.start_list(Kind::Namespace);
    store.complete_list(Kind::Namespace);
    list(&mut store, &["orders"]);
    // created after the list of Namespaces started: the ConfigMap arrives first, and the list has no Namespace
    store.start_list(Kind::Namespace);
    store.put_namespace("orders", &StringMap::new(), &StringMap::new());
    store.put("new", config_map("env", "text"));
    store.complete_list(Kind::Namespace);
    assert!(store.snapshot().related_objects("new").is_none());
    store.put_namespace("new", &StringMap::new(), &StringMap::new());
    assert!(matches!(of(&mut store, "new").config_map("env"), Lookup::Found(_)));
    // deleted and created again: the events of the new ConfigMap and of the old Namespace arrive in this order
    store.remove(Kind::ConfigMap, "new", "env");
    store.put("new", config_map("env", "text"));
    store.remove_namespace("new");
    assert!(store.snapshot().related_objects("new").is_none());
    store.put_namespace("new", &StringMap::new(), &StringMap::new());
    assert!(matches!(of(&mut store, "new").config_map("env"), Lookup::Found(_)));
    // the last object of a deleted namespace leaves nothing behind
    store.remove_namespace("new");
    store.remove(Kind::ConfigMap, "new", "env");
    assert!(!store.namespaces.contains_key("new"));
}

/// The list of one namespace, with these `ConfigMap`s.
pub(super) fn list_namespace(store: &mut Store, namespace: &str, config_maps: &[(&str, &str)]) {
    while let Some((kind, name)) = store.next_list("").filter(|(_, name)| name == namespace) {
        store.start_namespace_list(kind, &name);
        let listed = if kind == Kind::ConfigMap { config_maps } else { &[] };
        for (name, text) in listed {
            store.put_listed(namespace, config_map(name, text));
        }
        store.complete_namespace_list(kind, &name);
    }
}

#[test]
fn a_namespace_that_opts_in_is_listed_alone_and_its_coverage_is_partial_until_then() {
    let mut store = listed_store();
    put_enforced(&mut store, "other");
    assert_eq!(store.next_list(""), Some((Kind::ConfigMap, "other".to_owned())));
    store.start_namespace_list(Kind::ConfigMap, "other");
    store.put_listed("other", config_map("env", "text"));
    store.complete_namespace_list(Kind::ConfigMap, "other");
    let other = of(&mut store, "other");
    assert!(matches!(other.config_map("env"), Lookup::Found(_)) && other.coverage == Coverage::Partial);
    assert_eq!(store.next_list(""), Some((Kind::ServiceAccount, "other".to_owned())));
    store.start_namespace_list(Kind::ServiceAccount, "other");
    store.fail_namespace_list(Kind::ServiceAccount, "other");
    assert_eq!(of(&mut store, "other").coverage, Coverage::Partial);
    list_namespace(&mut store, "other", &[]);
    assert!(store.next_list("").is_none());
    assert!(of(&mut store, "other").config_map("env") != Lookup::Absent);
    assert_eq!(of(&mut store, "other").coverage, Coverage::Complete);
    let orders = of(&mut store, "orders");
    assert!(matches!(orders.config_map("env"), Lookup::Found(_)) && orders.coverage == Coverage::Complete);
}

#[test]
fn an_event_of_the_watch_counts_more_than_the_list_of_a_namespace() {
    let mut store = listed_store();
    put_enforced(&mut store, "other");
    store.put("other", config_map("deleted-before", "text"));
    store.start_namespace_list(Kind::ConfigMap, "other");
    store.put("other", config_map("changed", &"new".repeat(100)));
    store.put("other", config_map("created", "text"));
    store.remove(Kind::ConfigMap, "other", "deleted");
    for name in ["changed", "deleted", "env"] {
        store.put_listed("other", config_map(name, "text"));
    }
    store.remove(Kind::ConfigMap, "other", "env");
    store.complete_namespace_list(Kind::ConfigMap, "other");
    list_namespace(&mut store, "other", &[]);
    let other = of(&mut store, "other");
    let Lookup::Found(changed) = other.config_map("changed") else { unreachable!() };
    assert_eq!(text_of(changed).len(), 300);
    assert!(matches!(other.config_map("created"), Lookup::Found(_)));
    for name in ["deleted-before", "deleted", "env"] {
        assert!(other.config_map(name) == Lookup::Absent, "{name}");
    }
}

#[test]
fn the_list_of_a_namespace_ends_with_its_label_or_when_its_kind_is_listed() {
    let end: [fn(&mut Store); 3] = [
        |store| store.remove_namespace("other"),
        |store| store.start_list(Kind::ConfigMap),
        |store| store.fail(Kind::ConfigMap),
    ];
    for end in end {
        let mut store = listed_store();
        put_enforced(&mut store, "other");
        store.start_namespace_list(Kind::ConfigMap, "other");
        end(&mut store);
        assert!(store.next_list("").is_none_or(|(kind, _)| kind != Kind::ConfigMap));
        put_enforced(&mut store, "other");
        store.put_listed("other", config_map("env", "text"));
        store.complete_namespace_list(Kind::ConfigMap, "other");
        let other = of(&mut store, "other");
        assert!(other.config_map("env") == Lookup::Unknown && other.coverage == Coverage::Partial);
    }
}

#[test]
fn every_namespace_has_its_turn() {
    let mut store = listed_store();
    for name in ["a", "b"] {
        put_enforced(&mut store, name);
    }
    let next = |store: &Store, last| store.next_list(last).map(|(_, namespace)| namespace);
    assert_eq!(next(&store, "").as_deref(), Some("a"));
    assert_eq!(next(&store, "a").as_deref(), Some("b"));
    assert_eq!(next(&store, "b").as_deref(), Some("a"));
}

#[test]
fn a_namespace_that_leaves_and_joins_during_a_list_is_listed_again() {
    let mut store = listed_store();
    for kind in CACHED_KINDS {
        store.start_list(kind);
    }
    store.put_namespace("orders", &StringMap::new(), &StringMap::new());
    // it arrives while its namespace is not cached, so it is not in the cache after the list
    store.put("orders", config_map("env", "text"));
    put_enforced(&mut store, "orders");
    for kind in CACHED_KINDS {
        store.complete_list(kind);
    }
    assert!(of(&mut store, "orders").config_map("env") == Lookup::Unknown);
    assert_eq!(store.next_list(""), Some((Kind::ConfigMap, "orders".to_owned())));
}
