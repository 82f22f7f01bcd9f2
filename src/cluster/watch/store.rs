//! The cache: what is known of the cluster. Pure: events go in, a [`Snapshot`] comes out.

use crate::cluster::{CacheStatus, Scope};
use apim_keyless_core::gateway::well_known::{OUR_PREFIX, StringMap};
use apim_keyless_core::gateway::{ConfigMap, Coverage, Kind, Lookup, RelatedObjects, ServiceAccount, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The kinds of cached objects; of Namespaces only the annotations are kept.
const CACHED_KINDS: [Kind; 2] = [Kind::ConfigMap, Kind::ServiceAccount];

/// About how many bytes an object takes in memory besides its texts.
const OBJECT_OVERHEAD: usize = 256;

/// An object for the cache.
pub(super) enum CachedObject {
    ConfigMap(ConfigMap),
    ServiceAccount(ServiceAccount),
}

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

/// What is cached of a namespace.
#[derive(Default)]
struct NamespaceCache {
    /// Whether the Namespace itself is known. Its objects can arrive first.
    exists: bool,
    /// Whether its objects are cached.
    is_covered: bool,
    /// The kinds of which all objects in it are known.
    listed: BTreeSet<Kind>,
    /// The kinds of which an object did not fit into the cache.
    overflowed: BTreeSet<Kind>,
    related: Arc<RelatedObjects>,
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
            cache.overflowed.remove(&kind);
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
            if covered.contains(namespace) || self.scope.covers_by_name(namespace) {
                cache.listed.insert(kind);
            }
        }
    }

    /// Changes of `kind` may be missed until it is listed again.
    pub(super) fn fail(&mut self, kind: Kind) {
        let list = self.list(kind);
        (list.ongoing, list.is_current) = (None, false);
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
    pub(super) fn remove_namespace(&mut self, name: &str) {
        let Some(cache) = self.namespaces.remove(name) else { return };
        for kind in CACHED_KINDS {
            let names = names(&cache.related, kind);
            let size: usize = names.iter().map(|name| size(&cache.related, kind, name)).sum();
            self.bytes = self.bytes.saturating_sub(size);
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
        let (budget, bytes) = (self.budget, self.bytes);
        let cache = self.namespace(namespace.to_owned());
        let without = bytes.saturating_sub(cache.remove(kind, &name));
        let with = without + object.size();
        if with > budget {
            cache.overflowed.insert(kind);
            self.bytes = without;
        } else {
            object.put_into(Arc::make_mut(&mut cache.related));
            self.bytes = with;
        }
    }

    /// An object was deleted.
    pub(super) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        if let Some(cache) = self.namespaces.get_mut(namespace) {
            self.bytes = self.bytes.saturating_sub(cache.remove(kind, name));
        }
    }

    /// Whether every kind was listed at least once, so that reviews can be evaluated.
    pub(super) fn is_complete(&self) -> bool {
        self.lists.values().all(|list| list.is_done)
    }

    /// Whether a covered namespace was neither part of the last list nor is part of an ongoing one.
    pub(super) fn needs_list(&self) -> bool {
        let is_due = |name: &String, cache: &NamespaceCache, kind: &Kind| {
            let ongoing = self.lists.get(kind).and_then(|list| list.ongoing.as_ref());
            !cache.listed.contains(kind) && !ongoing.is_some_and(|ongoing| ongoing.covered.contains(name))
        };
        let mut covered = self.namespaces.iter().filter(|(_, cache)| cache.is_covered);
        covered.any(|(name, cache)| CACHED_KINDS.iter().any(|kind| is_due(name, cache, kind)))
    }

    /// The size and the state of the cache.
    pub(super) fn cache_status(&self) -> CacheStatus {
        CacheStatus {
            namespaces: self.namespaces.values().filter(|cache| cache.exists).count(),
            bytes: self.bytes,
            is_current: self.is_current(),
            fits: self.namespaces.values().all(|cache| cache.overflowed.is_empty()),
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

impl NamespaceCache {
    /// Removes an object and returns how many bytes it took.
    fn remove(&mut self, kind: Kind, name: &str) -> usize {
        let size = size(&self.related, kind, name);
        if size > 0 {
            let related = Arc::make_mut(&mut self.related);
            match kind {
                Kind::ConfigMap => related.remove_config_map(name),
                _ => related.remove_service_account(name),
            }
        }
        size
    }

    /// The objects of the namespace. An object that is not cached counts as absent only if everything is known.
    fn related_objects(&mut self, is_current: bool) -> Arc<RelatedObjects> {
        let is_complete =
            is_current && self.overflowed.is_empty() && CACHED_KINDS.iter().all(|kind| self.listed.contains(kind));
        let coverage = if is_complete { Coverage::Complete } else { Coverage::Partial };
        if self.related.coverage != coverage {
            Arc::make_mut(&mut self.related).coverage = coverage;
        }
        self.related.clone()
    }
}

impl CachedObject {
    fn kind(&self) -> Kind {
        match self {
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::ServiceAccount(_) => Kind::ServiceAccount,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::ConfigMap(config_map) => config_map.name(),
            Self::ServiceAccount(account) => account.name(),
        }
    }

    /// About how many bytes it takes in memory.
    fn size(&self) -> usize {
        OBJECT_OVERHEAD
            + match self {
                Self::ConfigMap(config_map) => config_map.size(),
                Self::ServiceAccount(account) => account.size(),
            }
    }

    fn put_into(self, related: &mut RelatedObjects) {
        match self {
            Self::ConfigMap(config_map) => related.put_config_map(config_map),
            Self::ServiceAccount(account) => related.put_service_account(account),
        }
    }
}

/// About how many bytes the object of this kind and name takes; 0 if it is not cached.
fn size(related: &RelatedObjects, kind: Kind, name: &str) -> usize {
    let size = match kind {
        Kind::ConfigMap => size_if_found(related.config_map(name), ConfigMap::size),
        _ => size_if_found(related.service_account(name), ServiceAccount::size),
    };
    size.map_or(0, |size| OBJECT_OVERHEAD + size)
}

fn size_if_found<T>(lookup: Lookup<&T>, size: fn(&T) -> usize) -> Option<usize> {
    match lookup {
        Lookup::Found(object) => Some(size(object)),
        Lookup::Absent | Lookup::Unknown => None,
    }
}

/// The names of all cached objects of a kind.
fn names(related: &RelatedObjects, kind: Kind) -> Vec<String> {
    match kind {
        Kind::ConfigMap => related.config_map_names().map(str::to_owned).collect(),
        _ => related.service_account_names().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(!store.needs_list());
        put_enforced(&mut store, "other");
        assert!(store.needs_list());
        // objects that arrive before the list are cached, but no object counts as absent
        store.put("other", config_map("late", "text"));
        let other = of(&mut store, "other");
        assert!(matches!(other.config_map("late"), Lookup::Found(_)) && other.config_map("env") == Lookup::Unknown);
        assert_eq!(of(&mut store, "orders").coverage, Coverage::Complete);
        list(&mut store, &["orders", "other"]);
        assert!(!store.needs_list());
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
        assert!(store.needs_list());
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
        assert!(!store.needs_list());
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
}
