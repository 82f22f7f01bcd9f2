//! What was seen of a cluster so far. Pure: events go in, a [`Snapshot`] comes out.

use crate::cluster::{CacheStatus, Scope};
use crate::gateway::well_known::{Keys, OUR_PREFIX};
use crate::gateway::{ConfigMap, Coverage, Kind, Lookup, RelatedObjects, ServiceAccount, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Namespaces, and of those that are looked at the `ServiceAccount`s and `ConfigMap`s.
pub(super) struct Store {
    scope: Scope,
    /// How many bytes may be held.
    budget: usize,
    bytes: usize,
    namespaces: BTreeMap<String, NamespaceCache>,
    listings: BTreeMap<Kind, Listing>,
    is_in_contact: bool,
}

/// What is held of a namespace.
#[derive(Default)]
struct NamespaceCache {
    /// Was the Namespace itself seen? What is in it may come first.
    is_there: bool,
    /// Is it looked at?
    is_covered: bool,
    /// The kinds of which everything in it is known.
    listed: BTreeSet<Kind>,
    /// The kinds of which something found no room.
    overfull: BTreeSet<Kind>,
    related: Arc<RelatedObjects>,
}

/// How far a kind is listed.
#[derive(Default)]
struct Listing {
    ongoing: Option<Ongoing>,
    /// Was it listed to the end, once at least?
    is_done: bool,
    /// Is every change since then told?
    is_current: bool,
}

/// A listing that is on its way.
struct Ongoing {
    /// The namespaces that were looked at when it began.
    covered: BTreeSet<String>,
    /// Namespace and name of what came so far.
    seen: BTreeSet<(String, String)>,
}

impl Store {
    /// An empty store that holds what `scope` covers, up to about `budget` bytes.
    pub(super) fn new(scope: Scope, budget: usize) -> Self {
        let listings = [Kind::Namespace].into_iter().chain(KINDS).map(|kind| (kind, Listing::default())).collect();
        Self { scope, budget, bytes: 0, namespaces: BTreeMap::new(), listings, is_in_contact: true }
    }

    /// Everything of `kind` is about to be told anew.
    pub(super) fn begin(&mut self, kind: Kind) {
        let covered =
            self.namespaces.iter().filter(|(_, held)| held.is_covered).map(|(name, _)| name.clone()).collect();
        for held in self.namespaces.values_mut() {
            held.overfull.remove(&kind);
        }
        self.listing(kind).ongoing = Some(Ongoing { covered, seen: BTreeSet::new() });
    }

    /// Everything of `kind` has been told: what was not told is gone.
    pub(super) fn end(&mut self, kind: Kind) {
        let Some(Ongoing { covered, seen }) = self.listing(kind).ongoing.take() else { return };
        let listing = self.listing(kind);
        (listing.is_done, listing.is_current) = (true, true);
        let is_gone = |namespace: &str, name: &str| !seen.contains(&(namespace.to_owned(), name.to_owned()));
        if kind == Kind::Namespace {
            let gone: Vec<String> = self.namespaces.keys().filter(|name| is_gone("", name)).cloned().collect();
            return gone.iter().for_each(|name| self.remove_namespace(name));
        }
        for (namespace, held) in &mut self.namespaces {
            for name in names(&held.related, kind).iter().filter(|name| is_gone(namespace, name)) {
                self.bytes = self.bytes.saturating_sub(held.remove(kind, name));
            }
            if covered.contains(namespace) || self.scope.covers_at_once(namespace) {
                held.listed.insert(kind);
            }
        }
    }

    /// Changes of `kind` may be missed until it is listed again.
    pub(super) fn fail(&mut self, kind: Kind) {
        let listing = self.listing(kind);
        (listing.ongoing, listing.is_current) = (None, false);
    }

    /// Does the API server answer?
    pub(super) fn set_contact(&mut self, is_in_contact: bool) {
        self.is_in_contact = is_in_contact;
    }

    /// A Namespace is there, or has changed.
    pub(super) fn put_namespace(&mut self, name: String, labels: &Keys, annotations: &Keys) {
        self.note(Kind::Namespace, String::new(), name.clone());
        let is_covered = self.scope.covers(&name, labels);
        let annotations: Keys = annotations
            .iter()
            .filter(|(key, _)| key.starts_with(OUR_PREFIX))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !is_covered {
            self.remove_namespace(&name);
        }
        let held = self.held(name);
        (held.is_there, held.is_covered) = (true, is_covered);
        if held.related.namespace_annotations != annotations {
            Arc::make_mut(&mut held.related).namespace_annotations = annotations;
        }
    }

    /// A Namespace is gone, with everything in it.
    pub(super) fn remove_namespace(&mut self, name: &str) {
        let Some(held) = self.namespaces.remove(name) else { return };
        for kind in KINDS {
            let names = names(&held.related, kind);
            let size: usize = names.iter().map(|name| size(&held.related, kind, name)).sum();
            self.bytes = self.bytes.saturating_sub(size);
        }
    }

    /// A thing is there, or has changed. What finds no room is not held.
    pub(super) fn put(&mut self, namespace: &str, cached: CachedObject) {
        let (kind, name) = (cached.kind(), cached.name().to_owned());
        self.note(kind, namespace.to_owned(), name.clone());
        let is_covered = self.namespaces.get(namespace).map(|held| held.is_covered);
        if !is_covered.unwrap_or(self.scope.covers_at_once(namespace)) {
            return;
        }
        let (budget, bytes) = (self.budget, self.bytes);
        let held = self.held(namespace.to_owned());
        let left = bytes.saturating_sub(held.remove(kind, &name));
        let wanted = left + cached.size();
        if wanted > budget {
            held.overfull.insert(kind);
            self.bytes = left;
        } else {
            cached.put_into(Arc::make_mut(&mut held.related));
            self.bytes = wanted;
        }
    }

    /// A thing is gone.
    pub(super) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        if let Some(held) = self.namespaces.get_mut(namespace) {
            self.bytes = self.bytes.saturating_sub(held.remove(kind, name));
        }
    }

    /// Was everything listed, once at least, so that it can be judged beside it?
    pub(super) fn is_complete(&self) -> bool {
        self.listings.values().all(|listing| listing.is_done)
    }

    /// Is there a namespace that is looked at only since the last listing began?
    pub(super) fn needs_listing(&self) -> bool {
        let is_due = |name: &String, held: &NamespaceCache, kind: &Kind| {
            let ongoing = self.listings.get(kind).and_then(|listing| listing.ongoing.as_ref());
            !held.listed.contains(kind) && !ongoing.is_some_and(|ongoing| ongoing.covered.contains(name))
        };
        let mut covered = self.namespaces.iter().filter(|(_, held)| held.is_covered);
        covered.any(|(name, held)| KINDS.iter().any(|kind| is_due(name, held, kind)))
    }

    /// How much was seen.
    pub(super) fn cache_status(&self) -> CacheStatus {
        CacheStatus {
            namespaces: self.namespaces.values().filter(|held| held.is_there).count(),
            bytes: self.bytes,
            is_current: self.is_current(),
            has_room: self.namespaces.values().all(|held| held.overfull.is_empty()),
        }
    }

    /// What was seen so far.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        let is_current = self.is_current();
        let there = self.namespaces.iter_mut().filter(|(_, held)| held.is_there);
        Snapshot::Cluster(there.map(|(name, held)| (name.clone(), held.shown(is_current))).collect())
    }

    fn is_current(&self) -> bool {
        self.is_in_contact && self.listings.values().all(|listing| listing.is_current)
    }

    fn held(&mut self, namespace: String) -> &mut NamespaceCache {
        // of a namespace that is looked at in any case everything was told that is in it
        let known = |(kind, listing): (&Kind, &Listing)| (listing.is_done && *kind != Kind::Namespace).then_some(*kind);
        let is_covered = self.scope.covers_at_once(&namespace);
        let listed = if is_covered { self.listings.iter().filter_map(known).collect() } else { BTreeSet::new() };
        self.namespaces.entry(namespace).or_insert_with(|| NamespaceCache {
            is_covered,
            listed,
            ..NamespaceCache::default()
        })
    }

    fn listing(&mut self, kind: Kind) -> &mut Listing {
        self.listings.entry(kind).or_default()
    }

    fn note(&mut self, kind: Kind, namespace: String, name: String) {
        if let Some(ongoing) = &mut self.listing(kind).ongoing {
            ongoing.seen.insert((namespace, name));
        }
    }
}

impl NamespaceCache {
    /// Takes out a thing; the bytes that it held.
    fn remove(&mut self, kind: Kind, name: &str) -> usize {
        let size = size(&self.related, kind, name);
        if size > 0 {
            remove(Arc::make_mut(&mut self.related), kind, name);
        }
        size
    }

    fn shown(&mut self, is_current: bool) -> Arc<RelatedObjects> {
        let is_whole = is_current && self.overfull.is_empty() && KINDS.iter().all(|kind| self.listed.contains(kind));
        let extent = if is_whole { Coverage::Complete } else { Coverage::Partial };
        if self.related.coverage != extent {
            Arc::make_mut(&mut self.related).coverage = extent;
        }
        self.related.clone()
    }
}

/// The kinds of such things.
pub(super) const KINDS: [Kind; 2] = [Kind::ConfigMap, Kind::ServiceAccount];

/// About what one takes in memory beside its texts, in bytes.
const THING_BYTES: usize = 256;

/// A thing that was seen.
pub(super) enum CachedObject {
    ConfigMap(ConfigMap),
    ServiceAccount(ServiceAccount),
}

impl CachedObject {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::ServiceAccount(_) => Kind::ServiceAccount,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::ConfigMap(config_map) => config_map.name(),
            Self::ServiceAccount(account) => account.name(),
        }
    }

    /// About how many bytes it takes in memory.
    pub(super) fn size(&self) -> usize {
        THING_BYTES
            + match self {
                Self::ConfigMap(config_map) => config_map.size(),
                Self::ServiceAccount(account) => account.size(),
            }
    }

    pub(super) fn put_into(self, related: &mut RelatedObjects) {
        match self {
            Self::ConfigMap(config_map) => related.put_config_map(config_map),
            Self::ServiceAccount(account) => related.put_service_account(account),
        }
    }
}

/// Takes out the thing of a kind and name.
pub(super) fn remove(related: &mut RelatedObjects, kind: Kind, name: &str) {
    match kind {
        Kind::ConfigMap => related.remove_config_map(name),
        _ => related.remove_service_account(name),
    }
}

/// The size of the thing of a kind and name; 0 if it is not there.
pub(super) fn size(related: &RelatedObjects, kind: Kind, name: &str) -> usize {
    let size = match kind {
        Kind::ConfigMap => size_if_seen(related.config_map(name), ConfigMap::size),
        _ => size_if_seen(related.service_account(name), ServiceAccount::size),
    };
    size.map_or(0, |size| THING_BYTES + size)
}

fn size_if_seen<T>(sight: Lookup<&T>, size: fn(&T) -> usize) -> Option<usize> {
    match sight {
        Lookup::Found(cached) => Some(size(cached)),
        Lookup::Absent | Lookup::Unknown => None,
    }
}

/// The names of all things of a kind.
pub(super) fn names(related: &RelatedObjects, kind: Kind) -> Vec<String> {
    match kind {
        Kind::ConfigMap => related.config_map_names().map(str::to_owned).collect(),
        _ => related.service_account_names().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{ConfigMap, Lookup, ServiceAccount};

    const KIBIBYTE: usize = 1024;

    fn keys(pairs: &[(&str, &str)]) -> Keys {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn config_map(name: &str, text: &str) -> CachedObject {
        CachedObject::ConfigMap(ConfigMap::abridged(name.to_owned(), keys(&[("key", text)]), []))
    }

    fn account(name: &str) -> CachedObject {
        CachedObject::ServiceAccount(ServiceAccount::abridged(name.to_owned(), &Keys::new(), &Keys::new()))
    }

    fn enforced(store: &mut Store, name: &str) {
        let annotations = keys(&[("apim-keyless.dev/client-id", "a"), ("team", "orders")]);
        store.put_namespace(name.to_owned(), &keys(&[("apim-keyless.dev/mode", "enforce")]), &annotations);
    }

    /// A store that has listed `orders`, with a `ConfigMap` and a `ServiceAccount`, and `foreign`, which is not looked at.
    fn listed() -> Store {
        let mut store = Store::new(Scope::OptIn, 64 * KIBIBYTE);
        store.begin(Kind::Namespace);
        enforced(&mut store, "orders");
        store.put_namespace("foreign".to_owned(), &Keys::new(), &Keys::new());
        store.end(Kind::Namespace);
        list(&mut store, &["orders", "foreign"]);
        store
    }

    fn list(store: &mut Store, namespaces: &[&str]) {
        for kind in KINDS {
            store.begin(kind);
        }
        for namespace in namespaces {
            store.put(namespace, config_map("env", "text"));
            store.put(namespace, account("gateway"));
        }
        for kind in KINDS {
            store.end(kind);
        }
    }

    fn of(store: &mut Store, namespace: &str) -> Arc<RelatedObjects> {
        store.snapshot().of(namespace).unwrap()
    }

    #[test]
    fn what_is_there_is_seen_and_what_is_not_is_absent() {
        let mut store = listed();
        let orders = of(&mut store, "orders");
        assert!(matches!(orders.config_map("env"), Lookup::Found(_)));
        assert!(matches!(orders.service_account("gateway"), Lookup::Found(_)));
        assert!(orders.config_map("other") == Lookup::Absent && orders.service_account("other") == Lookup::Absent);
        assert_eq!(orders.namespace_annotations, keys(&[("apim-keyless.dev/client-id", "a")]));
    }

    #[test]
    fn of_a_namespace_that_is_not_looked_at_only_its_annotations_are_held() {
        let mut store = listed();
        let foreign = of(&mut store, "foreign");
        assert!(foreign.config_map("env") == Lookup::Unknown && foreign.coverage == Coverage::Partial);
        assert!(store.snapshot().of("nowhere").is_none());
    }

    #[test]
    fn nothing_can_be_judged_before_everything_was_listed_once() {
        let mut store = Store::new(Scope::OptIn, KIBIBYTE);
        for kind in [Kind::Namespace, Kind::ConfigMap, Kind::ServiceAccount] {
            assert!(!store.is_complete());
            store.begin(kind);
            store.end(kind);
        }
        assert!(store.is_complete());
    }

    #[test]
    fn a_namespace_that_opts_in_is_part_of_the_next_listing() {
        let mut store = listed();
        assert!(!store.needs_listing());
        enforced(&mut store, "foreign");
        assert!(store.needs_listing());
        // what is told before is kept, but nothing follows from what isn't
        store.put("foreign", config_map("late", "text"));
        let foreign = of(&mut store, "foreign");
        assert!(matches!(foreign.config_map("late"), Lookup::Found(_)) && foreign.config_map("env") == Lookup::Unknown);
        assert_eq!(of(&mut store, "orders").coverage, Coverage::Complete);
        list(&mut store, &["orders", "foreign"]);
        assert!(!store.needs_listing());
        let foreign = of(&mut store, "foreign");
        assert!(foreign.config_map("late") == Lookup::Absent && matches!(foreign.config_map("env"), Lookup::Found(_)));
        store.put_namespace("foreign".to_owned(), &Keys::new(), &Keys::new());
        assert!(of(&mut store, "foreign").config_map("env") == Lookup::Unknown);
    }

    #[test]
    fn a_listing_that_began_before_a_namespace_opted_in_does_not_cover_it() {
        let mut store = listed();
        for kind in KINDS {
            store.begin(kind);
        }
        enforced(&mut store, "foreign");
        for kind in KINDS {
            store.end(kind);
        }
        assert!(store.needs_listing());
        assert_eq!(of(&mut store, "foreign").coverage, Coverage::Partial);
        // and what that listing did not tell of the others is gone
        assert!(of(&mut store, "orders").config_map("env") == Lookup::Absent);
    }

    #[test]
    fn nothing_follows_from_what_is_not_there_while_changes_may_be_missed() {
        for kind in [Kind::Namespace, Kind::ConfigMap, Kind::ServiceAccount] {
            let mut store = listed();
            store.fail(kind);
            let orders = of(&mut store, "orders");
            assert!(matches!(orders.config_map("env"), Lookup::Found(_)) && orders.config_map("b") == Lookup::Unknown);
            store.begin(kind);
            assert_eq!(of(&mut store, "orders").coverage, Coverage::Partial);
        }
        let mut store = listed();
        store.set_contact(false);
        assert_eq!(of(&mut store, "orders").coverage, Coverage::Partial);
        store.set_contact(true);
        assert_eq!(of(&mut store, "orders").coverage, Coverage::Complete);
    }

    #[test]
    fn what_finds_no_room_is_unseen_and_all_room_is_given_back() {
        let mut store = listed();
        let before = store.bytes;
        for index in 0..100 {
            store.put("orders", config_map(&format!("large-{index}"), &"x".repeat(KIBIBYTE)));
        }
        assert!(!store.cache_status().has_room && store.bytes <= 64 * KIBIBYTE && store.bytes > 60 * KIBIBYTE);
        let orders = of(&mut store, "orders");
        assert!(orders.config_map("large-99") == Lookup::Unknown && orders.coverage == Coverage::Partial);
        (0..100).for_each(|index| store.remove(Kind::ConfigMap, "orders", &format!("large-{index}")));
        assert_eq!(store.bytes, before);
        store.remove_namespace("orders");
        assert_eq!(store.bytes, 0);
    }

    #[test]
    fn in_a_whole_cluster_things_may_come_before_their_namespace() {
        let mut store = Store::new(Scope::Cluster, KIBIBYTE * KIBIBYTE);
        store.begin(Kind::Namespace);
        store.end(Kind::Namespace);
        list(&mut store, &["orders", "kube-system"]);
        assert!(store.snapshot().of("orders").is_none());
        store.put("new", config_map("env", "text"));
        for name in ["orders", "new", "kube-system"] {
            store.put_namespace(name.to_owned(), &Keys::new(), &Keys::new());
        }
        assert!(!store.needs_listing());
        for name in ["orders", "new"] {
            let related = of(&mut store, name);
            assert!(matches!(related.config_map("env"), Lookup::Found(_)) && related.coverage == Coverage::Complete);
        }
        assert!(of(&mut store, "kube-system").config_map("env") == Lookup::Unknown);
    }

    #[test]
    fn of_a_long_text_the_beginning_is_held() {
        let CachedObject::ConfigMap(long) = config_map("env", &"ü".repeat(KIBIBYTE)) else { unreachable!() };
        assert!(long.size() < 2 * KIBIBYTE && long.data["key"].len() == KIBIBYTE);
    }
}
