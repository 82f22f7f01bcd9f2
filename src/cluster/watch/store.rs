//! The cache: what is known of the cluster. Pure: events go in, a [`Snapshot`] comes out.

use super::namespace_cache::{CACHED_KINDS, CachedObject, NamespaceCache, names, size};
use crate::cluster::{CacheStatus, Scope};
use apim_keyless_core::gateway::well_known::{OUR_PREFIX, StringMap};
use apim_keyless_core::gateway::{Kind, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// All Namespaces, and the `ServiceAccount`s and `ConfigMap`s in covered namespaces (those that [`Scope`] selects).
pub(super) struct Store {
    scope: Scope,
    /// How many bytes the cached objects may take.
    budget: usize,
    /// How many bytes they take.
    bytes: usize,
    namespaces: BTreeMap<String, NamespaceCache>,
    lists: BTreeMap<Kind, ListState>,
    is_api_server_reachable: bool,
}

/// How far the list of a kind is.
#[derive(Default)]
struct ListState {
    ongoing: Option<OngoingList>,
    /// Whether the kind was listed completely at least once.
    is_done: bool,
    /// Whether all changes since then arrived.
    is_current: bool,
}

/// A list that is not complete yet.
struct OngoingList {
    /// The namespaces that were covered when it started.
    covered: BTreeSet<String>,
    /// Namespace and name of the objects that arrived so far.
    seen: BTreeSet<(String, String)>,
}

impl Store {
    /// An empty cache for the namespaces that `scope` covers, with about `budget` bytes at most.
    pub(super) fn new(scope: Scope, budget: usize) -> Self {
        let kinds = [Kind::Namespace].into_iter().chain(CACHED_KINDS);
        let lists = kinds.map(|kind| (kind, ListState::default())).collect();
        Self { scope, budget, bytes: 0, namespaces: BTreeMap::new(), lists, is_api_server_reachable: true }
    }

    /// A list of `kind` starts.
    pub(super) fn start_list(&mut self, kind: Kind) {
        let covered =
            self.namespaces.iter().filter(|(_, cache)| cache.is_covered).map(|(name, _)| name.clone()).collect();
        for cache in self.namespaces.values_mut() {
            cache.start_list(kind);
            // this list covers the namespace too
            cache.ongoing.remove(&kind);
        }
        self.list(kind).ongoing = Some(OngoingList { covered, seen: BTreeSet::new() });
    }

    /// The list of `kind` is complete: objects that were not in it are removed.
    pub(super) fn complete_list(&mut self, kind: Kind) {
        let Some(OngoingList { covered, seen }) = self.list(kind).ongoing.take() else { return };
        let list = self.list(kind);
        (list.is_done, list.is_current) = (true, true);
        let is_deleted = |namespace: &str, name: &str| !seen.contains(&(namespace.to_owned(), name.to_owned()));
        if kind == Kind::Namespace {
            let deleted: Vec<String> = self.namespaces.keys().filter(|name| is_deleted("", name)).cloned().collect();
            return deleted.iter().for_each(|name| self.remove_namespace(name));
        }
        for (namespace, cache) in &mut self.namespaces {
            for name in names(&cache.related, kind).iter().filter(|name| is_deleted(namespace, name)) {
                self.bytes = self.bytes.saturating_sub(cache.remove(kind, name));
            }
            cache.complete_list(kind);
            if covered.contains(namespace) || self.scope.covers_by_name(namespace) {
                cache.listed.insert(kind);
            }
        }
    }

    /// A list of `kind` in one namespace starts.
    pub(super) fn start_namespace_list(&mut self, kind: Kind, namespace: &str) {
        if let Some(cache) = self.namespaces.get_mut(namespace) {
            cache.start_list(kind);
            cache.ongoing.insert(kind, BTreeSet::new());
        }
    }

    /// An object arrived in the list of its namespace. Once an event of the watch arrived for it, the object in the
    /// list can be older, and does not count.
    pub(super) fn put_listed(&mut self, namespace: &str, object: CachedObject) {
        let ongoing = self.namespaces.get_mut(namespace).and_then(|cache| cache.ongoing.get_mut(&object.kind()));
        if ongoing.is_some_and(|names| names.insert(object.name().to_owned())) {
            self.put_into_cache(namespace, object);
        }
    }

    /// The list of `kind` in one namespace is complete: objects that did not arrive since it started are removed.
    pub(super) fn complete_namespace_list(&mut self, kind: Kind, namespace: &str) {
        let Some(cache) = self.namespaces.get_mut(namespace) else { return };
        let Some(arrived) = cache.ongoing.remove(&kind) else { return };
        for name in names(&cache.related, kind).iter().filter(|name| !arrived.contains(*name)) {
            self.bytes = self.bytes.saturating_sub(cache.remove(kind, name));
        }
        cache.complete_list(kind);
        cache.listed.insert(kind);
    }

    /// The list of `kind` in one namespace failed. It stays due.
    pub(super) fn fail_namespace_list(&mut self, kind: Kind, namespace: &str) {
        if let Some(cache) = self.namespaces.get_mut(namespace) {
            cache.ongoing.remove(&kind);
        }
    }

    /// Changes of `kind` may be missed until it is listed again.
    pub(super) fn fail(&mut self, kind: Kind) {
        let list = self.list(kind);
        (list.ongoing, list.is_current) = (None, false);
        for cache in self.namespaces.values_mut() {
            cache.ongoing.remove(&kind);
        }
    }

    /// Records whether the API server answers.
    pub(super) fn set_api_server_reachable(&mut self, is_reachable: bool) {
        self.is_api_server_reachable = is_reachable;
    }

    /// A Namespace was listed, created or changed.
    pub(super) fn put_namespace(&mut self, name: String, labels: &StringMap, annotations: &StringMap) {
        self.record_seen(Kind::Namespace, String::new(), name.clone());
        let is_covered = self.scope.covers(&name, labels);
        let annotations: StringMap = annotations
            .iter()
            .filter(|(key, _)| key.starts_with(OUR_PREFIX))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !is_covered {
            self.remove_namespace(&name);
        }
        let cache = self.namespace(name);
        (cache.exists, cache.is_covered) = (true, is_covered);
        if cache.related.namespace_annotations != annotations {
            Arc::make_mut(&mut cache.related).namespace_annotations = annotations;
        }
    }

    /// A Namespace was deleted, with all its objects.
    ///
    /// If the scope covers it by its name, each object stays until its own event or list removes it: events of objects
    /// can arrive before those of their Namespace, so they can belong to a new Namespace of the same name.
    pub(super) fn remove_namespace(&mut self, name: &str) {
        if self.scope.covers_by_name(name) {
            return self.hide_namespace(name);
        }
        let Some(cache) = self.namespaces.remove(name) else { return };
        for kind in CACHED_KINDS {
            let names = names(&cache.related, kind);
            let size: usize = names.iter().map(|name| size(&cache.related, kind, name)).sum();
            self.bytes = self.bytes.saturating_sub(size);
        }
    }

    fn hide_namespace(&mut self, name: &str) {
        let Some(cache) = self.namespaces.get_mut(name) else { return };
        cache.exists = false;
        if !cache.related.namespace_annotations.is_empty() {
            Arc::make_mut(&mut cache.related).namespace_annotations.clear();
        }
        self.drop_if_unused(name);
    }

    /// Drops the cache of a namespace that does not exist and of which nothing is cached.
    fn drop_if_unused(&mut self, name: &str) {
        let is_used = |cache: &NamespaceCache| {
            let has_objects = || CACHED_KINDS.iter().any(|kind| !names(&cache.related, *kind).is_empty());
            cache.exists || !cache.overflows.is_empty() || has_objects()
        };
        if !self.namespaces.get(name).is_some_and(is_used) {
            self.namespaces.remove(name);
        }
    }

    /// An object was listed, created or changed. It is not cached if it does not fit.
    pub(super) fn put(&mut self, namespace: &str, object: CachedObject) {
        let (kind, name) = (object.kind(), object.name().to_owned());
        self.record_seen(kind, namespace.to_owned(), name.clone());
        let is_covered = self.namespaces.get(namespace).map(|cache| cache.is_covered);
        if !is_covered.unwrap_or(self.scope.covers_by_name(namespace)) {
            return;
        }
        let is_listing = self.list(kind).ongoing.is_some();
        let was_cached = self.namespace(namespace.to_owned()).record_event(kind, &name);
        if self.put_into_cache(namespace, object) && !was_cached && !is_listing {
            self.namespace(namespace.to_owned()).end_overflow(kind);
        }
    }

    /// Returns whether the object fits.
    fn put_into_cache(&mut self, namespace: &str, object: CachedObject) -> bool {
        let (budget, bytes) = (self.budget, self.bytes);
        let cache = self.namespace(namespace.to_owned());
        let without = bytes.saturating_sub(cache.remove(object.kind(), object.name()));
        let with = without + object.size();
        let fits = with <= budget;
        if fits {
            object.put_into(Arc::make_mut(&mut cache.related));
        } else {
            cache.overflow(object.kind(), object.size());
        }
        self.bytes = if fits { with } else { without };
        fits
    }

    /// An object was deleted.
    pub(super) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        if let Some(cache) = self.namespaces.get_mut(namespace) {
            if !cache.record_event(kind, name) {
                cache.end_overflow(kind);
            }
            self.bytes = self.bytes.saturating_sub(cache.remove(kind, name));
            self.drop_if_unused(namespace);
        }
    }

    /// Whether every kind was listed at least once, so that reviews can be evaluated.
    pub(super) fn is_complete(&self) -> bool {
        self.lists.values().all(|list| list.is_done)
    }

    /// A kind and a covered namespace of which that kind must be listed: the first one after the namespace `last`, so
    /// that every namespace has its turn.
    ///
    /// There is none while the whole kind is listed or must be: that list can be older than one of the namespace.
    pub(super) fn next_list(&self, last: &str) -> Option<(Kind, String)> {
        let can_start =
            |kind: &Kind| self.lists.get(kind).is_some_and(|list| list.is_current && list.ongoing.is_none());
        let kinds: Vec<Kind> = CACHED_KINDS.into_iter().filter(can_start).collect();
        let due = |(name, cache): (&String, &NamespaceCache)| {
            let kind = kinds.iter().find(|kind| cache.is_covered && !cache.listed.contains(kind))?;
            Some((*kind, name.clone()))
        };
        let after = self.namespaces.range::<str, _>((Bound::Excluded(last), Bound::Unbounded));
        let until = self.namespaces.range::<str, _>((Bound::Unbounded, Bound::Included(last)));
        after.chain(until).find_map(due)
    }

    /// Whether an object that did not fit into the cache may fit now, or may no longer exist.
    pub(super) fn may_fit_again(&self) -> bool {
        let free = self.budget.saturating_sub(self.bytes);
        let is_listed = |cache: &NamespaceCache, kind| cache.listed.contains(kind);
        self.namespaces.values().any(|cache| {
            cache.overflows.iter().any(|(kind, overflow)| is_listed(cache, kind) && overflow.may_have_ended_with(free))
        })
    }

    /// Makes the lists due that show whether all objects fit into the cache now.
    pub(super) fn list_overflows_again(&mut self) {
        let free = self.budget.saturating_sub(self.bytes);
        for cache in self.namespaces.values_mut() {
            let NamespaceCache { overflows, listed, .. } = cache;
            for (kind, overflow) in overflows.iter_mut().filter(|(_, overflow)| overflow.may_have_ended_with(free)) {
                overflow.may_have_ended = false;
                listed.remove(kind);
            }
        }
    }

    /// The size and the state of the cache.
    pub(super) fn cache_status(&self) -> CacheStatus {
        CacheStatus {
            namespaces: self.namespaces.values().filter(|cache| cache.exists).count(),
            bytes: self.bytes,
            is_current: self.is_current(),
            fits: self.namespaces.values().all(|cache| cache.overflows.is_empty()),
        }
    }

    /// The content of the cache.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        let is_current = self.is_current();
        let existing = self.namespaces.iter_mut().filter(|(_, cache)| cache.exists);
        Snapshot::Cluster(existing.map(|(name, cache)| (name.clone(), cache.related_objects(is_current))).collect())
    }

    fn is_current(&self) -> bool {
        self.is_api_server_reachable && self.lists.values().all(|list| list.is_current)
    }

    /// The cache of a namespace, created if it is missing.
    fn namespace(&mut self, name: String) -> &mut NamespaceCache {
        // completed lists contained all objects of a namespace that is covered by its name
        let done = |(kind, list): (&Kind, &ListState)| (list.is_done && *kind != Kind::Namespace).then_some(*kind);
        let is_covered = self.scope.covers_by_name(&name);
        let listed = if is_covered { self.lists.iter().filter_map(done).collect() } else { BTreeSet::new() };
        self.namespaces.entry(name).or_insert_with(|| NamespaceCache {
            is_covered,
            listed,
            ..NamespaceCache::default()
        })
    }

    fn list(&mut self, kind: Kind) -> &mut ListState {
        self.lists.entry(kind).or_default()
    }

    fn record_seen(&mut self, kind: Kind, namespace: String, name: String) {
        if let Some(ongoing) = &mut self.list(kind).ongoing {
            ongoing.seen.insert((namespace, name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apim_keyless_core::gateway::{ConfigMap, Coverage, Lookup, RelatedObjects, ServiceAccount};

    const KIBIBYTE: usize = 1024;

    fn keys(pairs: &[(&str, &str)]) -> StringMap {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn config_map(name: &str, text: &str) -> CachedObject {
        CachedObject::ConfigMap(ConfigMap::for_cache(name.to_owned(), keys(&[("key", text)]), []))
    }

    fn account(name: &str) -> CachedObject {
        CachedObject::ServiceAccount(ServiceAccount::for_cache(name.to_owned(), &StringMap::new(), &StringMap::new()))
    }

    fn put_enforced(store: &mut Store, name: &str) {
        let annotations = keys(&[("apim-keyless.dev/client-id", "a"), ("team", "orders")]);
        store.put_namespace(name.to_owned(), &keys(&[("apim-keyless.dev/mode", "enforce")]), &annotations);
    }

    /// A store that has listed the covered namespace `orders`, with a `ConfigMap` and a `ServiceAccount`, and the
    /// namespace `other`, which is not covered.
    fn listed_store() -> Store {
        let mut store = Store::new(Scope::OptIn, 64 * KIBIBYTE);
        store.start_list(Kind::Namespace);
        put_enforced(&mut store, "orders");
        store.put_namespace("other".to_owned(), &StringMap::new(), &StringMap::new());
        store.complete_list(Kind::Namespace);
        list(&mut store, &["orders", "other"]);
        store
    }

    fn list(store: &mut Store, namespaces: &[&str]) {
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

    fn of(store: &mut Store, namespace: &str) -> Arc<RelatedObjects> {
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
        store.put_namespace("other".to_owned(), &StringMap::new(), &StringMap::new());
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
        let mut store = listed_store();
        store.set_api_server_reachable(false);
        assert_eq!(of(&mut store, "orders").coverage, Coverage::Partial);
        store.set_api_server_reachable(true);
        assert_eq!(of(&mut store, "orders").coverage, Coverage::Complete);
    }

    #[test]
    fn objects_that_do_not_fit_are_unknown_and_removed_objects_free_their_bytes() {
        let mut store = listed_store();
        let before = store.bytes;
        for index in 0..100 {
            store.put("orders", config_map(&format!("large-{index}"), &"x".repeat(KIBIBYTE)));
        }
        assert!(!store.cache_status().fits && store.bytes <= 64 * KIBIBYTE && store.bytes > 60 * KIBIBYTE);
        let orders = of(&mut store, "orders");
        assert!(orders.config_map("large-99") == Lookup::Unknown && orders.coverage == Coverage::Partial);
        (0..100).for_each(|index| store.remove(Kind::ConfigMap, "orders", &format!("large-{index}")));
        assert_eq!(store.bytes, before);
        store.remove_namespace("orders");
        assert_eq!(store.bytes, 0);
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
            store.put_namespace(name.to_owned(), &StringMap::new(), &StringMap::new());
        }
        assert!(store.next_list("").is_none());
        for name in ["orders", "new"] {
            let related = of(&mut store, name);
            assert!(matches!(related.config_map("env"), Lookup::Found(_)) && related.coverage == Coverage::Complete);
        }
        assert!(of(&mut store, "kube-system").config_map("env") == Lookup::Unknown);
    }

    #[test]
    fn of_a_long_text_the_beginning_is_cached() {
        let CachedObject::ConfigMap(long) = config_map("env", &"ü".repeat(KIBIBYTE)) else { unreachable!() };
        assert!(long.size() < 2 * KIBIBYTE && long.data["key"].len() == KIBIBYTE);
    }

    #[test]
    fn in_scope_cluster_objects_stay_until_their_own_event_removes_them() {
        let mut store = Store::new(Scope::Cluster, KIBIBYTE * KIBIBYTE);
        store.start_list(Kind::Namespace);
        store.complete_list(Kind::Namespace);
        list(&mut store, &["orders"]);
        // created after the list of Namespaces started: the ConfigMap arrives first, and the list has no Namespace
        store.start_list(Kind::Namespace);
        store.put_namespace("orders".to_owned(), &StringMap::new(), &StringMap::new());
        store.put("new", config_map("env", "text"));
        store.complete_list(Kind::Namespace);
        assert!(store.snapshot().related_objects("new").is_none());
        store.put_namespace("new".to_owned(), &StringMap::new(), &StringMap::new());
        assert!(matches!(of(&mut store, "new").config_map("env"), Lookup::Found(_)));
        // deleted and created again: the events of the new ConfigMap and of the old Namespace arrive in this order
        store.remove(Kind::ConfigMap, "new", "env");
        store.put("new", config_map("env", "text"));
        store.remove_namespace("new");
        assert!(store.snapshot().related_objects("new").is_none());
        store.put_namespace("new".to_owned(), &StringMap::new(), &StringMap::new());
        assert!(matches!(of(&mut store, "new").config_map("env"), Lookup::Found(_)));
        // the last object of a deleted namespace leaves nothing behind
        store.remove_namespace("new");
        store.remove(Kind::ConfigMap, "new", "env");
        assert!(!store.namespaces.contains_key("new"));
    }

    #[test]
    fn an_object_that_did_not_fit_stays_unknown_while_it_is_listed_again() {
        let mut store = listed_store();
        store.put("orders", config_map("large", &"x".repeat(KIBIBYTE)));
        let (fitting, budget) = (store.bytes, store.budget);
        store.budget = fitting - 1;
        store.put("orders", config_map("large", &"x".repeat(KIBIBYTE)));
        store.budget = budget;
        store.start_list(Kind::ConfigMap);
        assert!(of(&mut store, "orders").config_map("large") == Lookup::Unknown);
        store.put("orders", config_map("env", "text"));
        store.put("orders", config_map("large", &"x".repeat(KIBIBYTE)));
        store.complete_list(Kind::ConfigMap);
        assert!(of(&mut store, "orders").coverage == Coverage::Complete && store.cache_status().fits);
    }

    /// The list of one namespace, with these `ConfigMap`s.
    fn list_namespace(store: &mut Store, namespace: &str, config_maps: &[(&str, &str)]) {
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
        assert_eq!(changed.data["key"].len(), 300);
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

    /// A store of which the `ConfigMap`s `large-a` and `large-b` in `orders` did not fit.
    fn full_store() -> Store {
        let mut store = listed_store();
        store.put("orders", config_map("fitting", &"x".repeat(KIBIBYTE)));
        store.budget = store.bytes;
        for name in ["large-a", "large-b"] {
            store.put("orders", config_map(name, &"x".repeat(KIBIBYTE)));
        }
        assert!(!store.cache_status().fits && !store.may_fit_again());
        store
    }

    fn list_overflows(store: &mut Store, config_maps: &[(&str, &str)]) {
        assert!(store.may_fit_again());
        store.list_overflows_again();
        assert!(!store.may_fit_again(), "the list is due only once");
        assert_eq!(of(store, "orders").coverage, Coverage::Partial);
        list_namespace(store, "orders", config_maps);
        assert!(store.next_list("").is_none());
    }

    #[test]
    fn a_namespace_is_listed_again_once_an_object_that_did_not_fit_may_fit() {
        let mut store = full_store();
        let large = "x".repeat(KIBIBYTE);
        store.remove(Kind::ConfigMap, "orders", "fitting");
        list_overflows(&mut store, &[("env", "text"), ("large-a", &large), ("large-b", &large)]);
        let orders = of(&mut store, "orders");
        assert!(matches!(orders.config_map("large-a"), Lookup::Found(_)) && orders.config_map("b") == Lookup::Unknown);
        assert!(!store.cache_status().fits && !store.may_fit_again(), "the second still does not fit");
        store.budget += 2 * KIBIBYTE;
        list_overflows(&mut store, &[("env", "text"), ("large-a", &large), ("large-b", &large)]);
        let orders = of(&mut store, "orders");
        assert!(matches!(orders.config_map("large-b"), Lookup::Found(_)) && orders.coverage == Coverage::Complete);
        assert!(store.cache_status().fits);
    }

    #[test]
    fn a_namespace_is_listed_again_once_an_object_that_did_not_fit_may_be_deleted_or_smaller() {
        let end: [fn(&mut Store); 2] = [
            |store| store.remove(Kind::ConfigMap, "orders", "large-a"),
            |store| {
                store.remove(Kind::ConfigMap, "orders", "fitting");
                store.budget = store.bytes + KIBIBYTE;
                store.put("orders", config_map("large-a", "text"));
            },
        ];
        for end in end {
            let mut store = full_store();
            end(&mut store);
            list_overflows(&mut store, &[("env", "text")]);
            assert!(of(&mut store, "orders").coverage == Coverage::Complete && store.cache_status().fits);
        }
        // an update that still does not fit makes no list due
        let mut store = full_store();
        store.put("orders", config_map("large-a", &"y".repeat(KIBIBYTE)));
        assert!(!store.may_fit_again());
    }
}
