//! The surroundings of every namespace as of one moment.

use super::Surroundings;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// What stands beside an object that is in no namespace, or in no cluster.
static NOTHING: LazyLock<Arc<Surroundings>> = LazyLock::new(Arc::default);

/// What a review is judged beside. It never changes: a newer one takes its place.
#[derive(Clone, Default)]
pub enum Snapshot {
    /// No cluster is looked at, so nothing stands beside an object.
    #[default]
    Alone,
    /// By name, the namespaces of a cluster that are known to be there.
    Cluster(BTreeMap<String, Arc<Surroundings>>),
}

impl Snapshot {
    /// The surroundings in a namespace, nothing for what is in none; `None` if the cluster is looked at and the namespace was not seen yet, so that
    /// nobody knows what it expects.
    pub fn of(&self, namespace: &str) -> Option<Arc<Surroundings>> {
        match (self, namespace) {
            (Self::Alone, _) | (_, "") => Some(Arc::clone(&NOTHING)),
            (Self::Cluster(namespaces), namespace) => namespaces.get(namespace).cloned(),
        }
    }
}
