//! The surroundings of every namespace as of one moment.

use super::Surroundings;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// What stands beside an object that stands alone.
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
    /// The surroundings in a namespace; `None` if the cluster is looked at and the namespace was not seen yet, so that
    /// nobody knows what it expects.
    pub fn of(&self, namespace: &str) -> Option<Arc<Surroundings>> {
        match self {
            Self::Alone => Some(Arc::clone(&NOTHING)),
            Self::Cluster(namespaces) => namespaces.get(namespace).cloned(),
        }
    }
}
