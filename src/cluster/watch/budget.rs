//! How many bytes the cached objects of each namespace take, and which namespace loses objects once they take too many.

use std::collections::{BTreeMap, BTreeSet};

/// The budget of the cache. If it is full, the namespace that holds the most loses first. So no namespace can push out the
/// objects of one that holds less, and of up to 64 namespaces none below 1/64 of the budget loses anything.
pub(super) struct Budget {
    pub(super) limit: usize,
    total: usize,
    by_namespace: BTreeMap<String, usize>,
    by_size: BTreeSet<(usize, String)>,
}

impl Budget {
    /// A budget of `limit` bytes, of which nothing is used.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, total: 0, by_namespace: BTreeMap::new(), by_size: BTreeSet::new() }
    }

    /// How many bytes are used.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// An object of `namespace` takes `bytes` from now on.
    pub(super) fn add(&mut self, namespace: &str, bytes: usize) {
        self.total += bytes;
        self.set(namespace, self.held_by(namespace) + bytes);
    }

    /// `bytes` of `namespace` are free again.
    pub(super) fn free(&mut self, namespace: &str, bytes: usize) {
        self.total = self.total.saturating_sub(bytes);
        self.set(namespace, self.held_by(namespace).saturating_sub(bytes));
    }

    /// Whether `bytes` more of `namespace` fit, once the namespaces that then hold more than `namespace` have lost what
    /// they hold beyond it.
    pub(super) fn can_fit(&self, namespace: &str, bytes: usize) -> bool {
        let level = self.held_by(namespace) + bytes;
        let mut missing = (self.total + bytes).saturating_sub(self.limit);
        for (held, _) in self.by_size.iter().rev().take_while(|(held, _)| *held > level) {
            if missing == 0 {
                break;
            }
            missing = missing.saturating_sub(held - level);
        }
        missing == 0
    }

    /// The namespace that must lose an object before `bytes` more fit: the one that holds the most. `None` if they fit.
    pub(super) fn loser(&self, bytes: usize) -> Option<String> {
        let (_, largest) = self.by_size.last()?;
        (self.total + bytes > self.limit).then(|| largest.clone())
    }

    fn held_by(&self, namespace: &str) -> usize {
        self.by_namespace.get(namespace).copied().unwrap_or_default()
    }

    fn set(&mut self, namespace: &str, held: usize) {
        if let Some(before) = self.by_namespace.remove(namespace) {
            self.by_size.remove(&(before, namespace.to_owned()));
        }
        if held > 0 {
            self.by_namespace.insert(namespace.to_owned(), held);
            self.by_size.insert((held, namespace.to_owned()));
        }
    }
}
