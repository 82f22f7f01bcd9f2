//! What is cached of one namespace.

use super::overflow::Overflow;
use apim_keyless_core::gateway::{ConfigMap, Coverage, Kind, Lookup, RelatedObjects, ServiceAccount};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The kinds of cached objects; of Namespaces only the annotations are kept.
pub(super) const CACHED_KINDS: [Kind; 2] = [Kind::ConfigMap, Kind::ServiceAccount];

/// About how many bytes an object takes in memory besides its texts.
const OBJECT_OVERHEAD: usize = 256;

/// An object for the cache.
pub(super) enum CachedObject {
    ConfigMap(ConfigMap),
    ServiceAccount(ServiceAccount),
}

/// What is cached of a namespace.
#[derive(Default)]
pub(super) struct NamespaceCache {
    /// Whether the Namespace itself is known. Its objects can arrive first.
    pub(super) exists: bool,
    /// Whether its objects are cached.
    pub(super) is_covered: bool,
    /// The kinds of which all objects in it are known.
    pub(super) listed: BTreeSet<Kind>,
    /// The kinds of which an object did not fit into the cache.
    pub(super) overflows: BTreeMap<Kind, Overflow>,
    /// The lists that are not complete yet, of this namespace or of a whole kind: the names of the objects that arrived
    /// so far, from the list or from the watch.
    pub(super) ongoing: BTreeMap<Kind, BTreeSet<String>>,
    pub(super) related: Arc<RelatedObjects>,
}

impl NamespaceCache {
    /// A list of `kind` starts that covers this namespace. Until it is complete, objects that did not fit stay unknown.
    pub(super) fn start_list(&mut self, kind: Kind) {
        self.ongoing.insert(kind, BTreeSet::new());
        if let Some(overflow) = self.overflows.get_mut(&kind) {
            overflow.start_list();
        }
    }

    /// That list is complete, if it is still ongoing. Returns the names of the cached objects that did not arrive since it
    /// started.
    pub(super) fn complete_list(&mut self, kind: Kind) -> Vec<String> {
        let Some(arrived) = self.ongoing.remove(&kind) else { return Vec::new() };
        if self.overflows.get(&kind).is_some_and(Overflow::ends_with_list) {
            self.overflows.remove(&kind);
        }
        self.listed.insert(kind);
        self.names(kind).filter(|name| !arrived.contains(*name)).map(str::to_owned).collect()
    }

    /// An object of `kind` and this size did not fit, or was removed because another one did not fit.
    pub(super) fn overflow(&mut self, kind: Kind, size: usize) {
        self.overflows.entry(kind).or_default().add(size);
    }

    /// An object that was not cached fits now or was deleted: it can be one that did not fit before.
    pub(super) fn end_overflow(&mut self, kind: Kind) {
        if let Some(overflow) = self.overflows.get_mut(&kind) {
            overflow.may_have_ended = true;
        }
    }

    /// The watch reports a change of an object. Returns whether the object is cached.
    pub(super) fn record_event(&mut self, kind: Kind, name: &str) -> bool {
        if let Some(names) = self.ongoing.get_mut(&kind) {
            names.insert(name.to_owned());
        }
        self.size(kind, name) > 0
    }

    /// Removes an object and returns how many bytes it took.
    pub(super) fn remove(&mut self, kind: Kind, name: &str) -> usize {
        let size = self.size(kind, name);
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
    pub(super) fn related_objects(&mut self, is_current: bool) -> Arc<RelatedObjects> {
        let is_complete =
            is_current && self.overflows.is_empty() && CACHED_KINDS.iter().all(|kind| self.listed.contains(kind));
        let coverage = if is_complete { Coverage::Complete } else { Coverage::Partial };
        if self.related.coverage != coverage {
            Arc::make_mut(&mut self.related).coverage = coverage;
        }
        self.related.clone()
    }

    /// Whether anything is known of it.
    pub(super) fn is_used(&self) -> bool {
        self.exists || !self.overflows.is_empty() || self.first_object().is_some()
    }

    /// Kind and name of the object that it loses first.
    pub(super) fn first_object(&self) -> Option<(Kind, String)> {
        CACHED_KINDS.into_iter().find_map(|kind| Some((kind, self.names(kind).next()?.to_owned())))
    }

    /// The names of all cached objects of a kind.
    pub(super) fn names(&self, kind: Kind) -> Box<dyn Iterator<Item = &str> + '_> {
        match kind {
            Kind::ConfigMap => Box::new(self.related.config_map_names()),
            _ => Box::new(self.related.service_account_names()),
        }
    }

    /// About how many bytes the object of this kind and name takes; 0 if it is not cached.
    pub(super) fn size(&self, kind: Kind, name: &str) -> usize {
        let size = match kind {
            Kind::ConfigMap => size_if_found(self.related.config_map(name), ConfigMap::size),
            _ => size_if_found(self.related.service_account(name), ServiceAccount::size),
        };
        size.map_or(0, |size| OBJECT_OVERHEAD + size)
    }
}

fn size_if_found<T>(lookup: Lookup<&T>, size: fn(&T) -> usize) -> Option<usize> {
    match lookup {
        Lookup::Found(object) => Some(size(object)),
        Lookup::Absent | Lookup::Unknown => None,
    }
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
        OBJECT_OVERHEAD
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
