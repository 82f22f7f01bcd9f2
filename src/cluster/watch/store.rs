//! The cache: what is known of the cluster. Pure: events go in, a [`Snapshot`] comes out.

use super::budget::Budget;
use super::namespace_cache::{CACHED_KINDS, CachedObject, NamespaceCache};
use super::overflow::Overflow;
use crate::cluster::{CacheStatus, Scope};
use apim_keyless_core::gateway::well_known::{StringMap, is_our_key};
use apim_keyless_core::gateway::{Kind, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// All Namespaces, and the `ServiceAccount`s and `ConfigMap`s in covered namespaces (those that [`Scope`] selects).
pub(super) struct Store {
    scope: Scope,
    budget: Budget,
    namespaces: BTreeMap<String, NamespaceCache>,
    lists: BTreeMap<Kind, ListState>,
    /// The Namespaces that arrived in the ongoing list of Namespaces.
    arrived: BTreeSet<String>,
}

/// How far the list of a kind is.
#[derive(Default)]
struct ListState {
    is_ongoing: bool,
    /// Whether the kind was listed completely at least once.
    is_done: bool,
    freshness: Freshness,
}

/// How far what is cached of a kind can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Freshness {
    /// All changes arrived.
    Current,
    /// Changes may be missed until it is listed again.
    #[default]
    Behind,
    /// Nothing was received for too long, so its objects were removed. It was not listed since then.
    Stale,
}

/// The labels or annotations of apim-keyless, misspelled ones included.
fn our_keys(keys: &StringMap) -> StringMap {
    keys.iter().filter(|(key, _)| is_our_key(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl Store {
    /// An empty cache for the namespaces that `scope` covers, with about `budget` bytes at most.
    pub(super) fn new(scope: Scope, budget: usize) -> Self {
        let kinds = [Kind::Namespace].into_iter().chain(CACHED_KINDS);
        let lists = kinds.map(|kind| (kind, ListState::default())).collect();
        Self { scope, budget: Budget::new(budget), namespaces: BTreeMap::new(), lists, arrived: BTreeSet::new() }
    }

    /// A list of `kind` starts.
    pub(super) fn start_list(&mut self, kind: Kind) {
        if kind == Kind::Namespace {
            self.arrived.clear();
        } else {
            // this list covers the namespaces that are being listed alone, too
            self.namespaces.values_mut().filter(|cache| cache.is_covered).for_each(|cache| cache.start_list(kind));
        }
        self.list(kind).is_ongoing = true;
    }

    /// The list of `kind` is complete: objects that were not in it are removed.
    pub(super) fn complete_list(&mut self, kind: Kind) {
        let list = self.list(kind);
        if !std::mem::take(&mut list.is_ongoing) {
            return;
        }
        (list.is_done, list.freshness) = (true, Freshness::Current);
        if kind == Kind::Namespace {
            let arrived = std::mem::take(&mut self.arrived);
            let deleted: Vec<String> =
                self.namespaces.keys().filter(|name| !arrived.contains(*name)).cloned().collect();
            return deleted.iter().for_each(|name| self.remove_namespace(name));
        }
        for name in self.namespaces.keys().cloned().collect::<Vec<_>>() {
            self.complete_list_of(kind, &name);
            // where the scope covers a namespace by its name, the list was complete for it, even if it is newer
            if let Some(cache) = self.namespaces.get_mut(&name).filter(|_| self.scope.covers_by_name(&name)) {
                cache.listed.insert(kind);
            }
        }
    }

    /// A list of `kind` in one namespace starts.
    pub(super) fn start_namespace_list(&mut self, kind: Kind, namespace: &str) {
        if let Some(cache) = self.namespaces.get_mut(namespace) {
            cache.start_list(kind);
        }
    }

    /// An object arrived in the list of its namespace. Once an event of the watch arrived for it, the object in the
    /// list can be older, and does not count.
    pub(super) fn put_listed(&mut self, namespace: &str, object: CachedObject) {
        if self.list(object.kind()).is_ongoing {
            return;
        }
        let ongoing = self.namespaces.get_mut(namespace).and_then(|cache| cache.ongoing.get_mut(&object.kind()));
        if ongoing.is_some_and(|names| names.insert(object.name().to_owned())) {
            self.put_into_cache(namespace, object);
        }
    }

    /// The list of `kind` in one namespace is complete: objects that did not arrive since it started are removed.
    pub(super) fn complete_namespace_list(&mut self, kind: Kind, namespace: &str) {
        if !self.list(kind).is_ongoing {
            self.complete_list_of(kind, namespace);
        }
    }

    fn complete_list_of(&mut self, kind: Kind, namespace: &str) {
        let Some(cache) = self.namespaces.get_mut(namespace) else { return };
        for name in cache.complete_list(kind) {
            self.budget.free(namespace, cache.remove(kind, &name));
        }
        self.drop_if_unused(namespace);
    }

    /// The list of `kind` in one namespace failed. It stays due.
    pub(super) fn fail_namespace_list(&mut self, kind: Kind, namespace: &str) {
        if self.list(kind).is_ongoing {
            return;
        }
        if let Some(cache) = self.namespaces.get_mut(namespace) {
            cache.ongoing.remove(&kind);
        }
    }

    /// Changes of `kind` may be missed until it is listed again.
    pub(super) fn fail(&mut self, kind: Kind) {
        let list = self.list(kind);
        list.is_ongoing = false;
        if list.freshness == Freshness::Current {
            list.freshness = Freshness::Behind;
        }
        for cache in self.namespaces.values_mut() {
            cache.ongoing.remove(&kind);
        }
    }

    /// Nothing was received of `kind` for too long. Its objects are removed, so that they are unknown until it is listed
    /// again. Namespaces stay with their annotations, because without them no review could be answered.
    pub(super) fn forget(&mut self, kind: Kind) {
        self.fail(kind);
        self.list(kind).freshness = Freshness::Stale;
        if kind != Kind::Namespace {
            for name in self.namespaces.keys().cloned().collect::<Vec<_>>() {
                self.remove_objects(kind, &name);
                self.drop_if_unused(&name);
            }
        }
    }

    /// Whether the objects of `kind` were forgotten and it was not listed since then.
    pub(super) fn is_stale(&self, kind: Kind) -> bool {
        self.lists.get(&kind).is_some_and(|list| list.freshness == Freshness::Stale)
    }

    fn remove_objects(&mut self, kind: Kind, namespace: &str) {
        let Some(cache) = self.namespaces.get_mut(namespace) else { return };
        let names: Vec<String> = cache.names(kind).map(str::to_owned).collect();
        for name in names {
            self.budget.free(namespace, cache.remove(kind, &name));
        }
    }

    /// A Namespace was listed, created or changed.
    pub(super) fn put_namespace(&mut self, name: &str, labels: &StringMap, annotations: &StringMap) {
        if self.list(Kind::Namespace).is_ongoing {
            self.arrived.insert(name.to_owned());
        }
        let is_covered = self.scope.covers(name, labels);
        let (labels, annotations) = (our_keys(labels), our_keys(annotations));
        if !is_covered {
            self.remove_namespace(name);
        }
        let cache = self.namespace(name);
        (cache.exists, cache.is_covered) = (true, is_covered);
        if cache.related.namespace_annotations != annotations || cache.related.namespace_labels != labels {
            let related = Arc::make_mut(&mut cache.related);
            (related.namespace_labels, related.namespace_annotations) = (labels, annotations);
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
        for kind in CACHED_KINDS {
            self.remove_objects(kind, name);
        }
        self.namespaces.remove(name);
    }

    fn hide_namespace(&mut self, name: &str) {
        let Some(cache) = self.namespaces.get_mut(name) else { return };
        cache.exists = false;
        if !cache.related.namespace_annotations.is_empty() || !cache.related.namespace_labels.is_empty() {
            let related = Arc::make_mut(&mut cache.related);
            related.namespace_labels.clear();
            related.namespace_annotations.clear();
        }
        self.drop_if_unused(name);
    }

    /// Drops the cache of a namespace that does not exist and of which nothing is cached.
    fn drop_if_unused(&mut self, name: &str) {
        if !self.namespaces.get(name).is_some_and(NamespaceCache::is_used) {
            self.namespaces.remove(name);
        }
    }

    /// An object was listed, created or changed. It is not cached if it does not fit.
    pub(super) fn put(&mut self, namespace: &str, object: CachedObject) {
        let kind = object.kind();
        let is_covered = self.namespaces.get(namespace).map(|cache| cache.is_covered);
        if !is_covered.unwrap_or(self.scope.covers_by_name(namespace)) {
            return;
        }
        let is_listing = self.list(kind).is_ongoing;
        let was_cached = self.namespace(namespace).record_event(kind, object.name());
        if self.put_into_cache(namespace, object) && !was_cached && !is_listing {
            self.namespace(namespace).end_overflow(kind);
        }
    }

    /// Caches an object, instead of objects of namespaces that hold more if necessary. Returns whether it fits.
    fn put_into_cache(&mut self, namespace: &str, object: CachedObject) -> bool {
        let (kind, size) = (object.kind(), object.size());
        let before = self.namespace(namespace).remove(kind, object.name());
        self.budget.free(namespace, before);
        if !self.budget.can_fit(namespace, size) {
            self.namespace(namespace).overflow(kind, size);
            return false;
        }
        while let Some(loser) = self.budget.loser(size)
            && self.remove_one_object(&loser)
        {}
        object.put_into(Arc::make_mut(&mut self.namespace(namespace).related));
        self.budget.add(namespace, size);
        true
    }

    /// Removes an object so that another one fits. It is unknown until its namespace is listed again. Returns false if
    /// there is none.
    fn remove_one_object(&mut self, namespace: &str) -> bool {
        let Some(cache) = self.namespaces.get_mut(namespace) else { return false };
        let Some((kind, name)) = cache.first_object() else { return false };
        let size = cache.remove(kind, &name);
        cache.overflow(kind, size);
        self.budget.free(namespace, size);
        true
    }

    /// An object was deleted.
    pub(super) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        if let Some(cache) = self.namespaces.get_mut(namespace) {
            if !cache.record_event(kind, name) {
                cache.end_overflow(kind);
            }
            self.budget.free(namespace, cache.remove(kind, name));
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
        let can_start = |kind: &Kind| {
            self.lists.get(kind).is_some_and(|list| list.freshness == Freshness::Current && !list.is_ongoing)
        };
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
        self.namespaces.iter().any(|(name, cache)| {
            cache.overflows.iter().any(|(kind, overflow)| {
                cache.listed.contains(kind) && overflow.may_have_ended_now(|size| self.budget.can_fit(name, size))
            })
        })
    }

    /// Makes the lists due that show whether all objects fit into the cache now.
    pub(super) fn list_overflows_again(&mut self) {
        for (name, cache) in &mut self.namespaces {
            let NamespaceCache { overflows, listed, .. } = cache;
            let may_have_ended =
                |overflow: &Overflow| overflow.may_have_ended_now(|size| self.budget.can_fit(name, size));
            for (kind, overflow) in overflows.iter_mut().filter(|(_, overflow)| may_have_ended(overflow)) {
                overflow.may_have_ended = false;
                listed.remove(kind);
            }
        }
    }

    /// The size and the state of the cache.
    pub(super) fn cache_status(&self) -> CacheStatus {
        CacheStatus {
            namespaces: self.namespaces.values().filter(|cache| cache.exists).count(),
            bytes: self.budget.total(),
            is_current: self.is_current(),
            fits: self.namespaces.values().all(|cache| cache.overflows.is_empty()),
            stale: self.lists.keys().map(|kind| (*kind, self.is_stale(*kind))).collect(),
        }
    }

    /// The content of the cache.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        let is_current = self.is_current();
        let existing = self.namespaces.iter_mut().filter(|(_, cache)| cache.exists);
        Snapshot::Cluster(existing.map(|(name, cache)| (name.clone(), cache.related_objects(is_current))).collect())
    }

    fn is_current(&self) -> bool {
        self.lists.values().all(|list| list.freshness == Freshness::Current)
    }

    /// The cache of a namespace, created if it is missing.
    fn namespace(&mut self, name: &str) -> &mut NamespaceCache {
        // completed lists contained all objects of a namespace that is covered by its name
        let done = |(kind, list): (&Kind, &ListState)| (list.is_done && *kind != Kind::Namespace).then_some(*kind);
        let is_covered = self.scope.covers_by_name(name);
        let listed = || if is_covered { self.lists.iter().filter_map(done).collect() } else { BTreeSet::new() };
        self.namespaces.entry(name.to_owned()).or_insert_with(|| NamespaceCache {
            is_covered,
            listed: listed(),
            ..NamespaceCache::default()
        })
    }

    fn list(&mut self, kind: Kind) -> &mut ListState {
        self.lists.entry(kind).or_default()
    }
}

#[cfg(test)]
mod fairness;
#[cfg(test)]
mod full;
#[cfg(test)]
mod tests;
