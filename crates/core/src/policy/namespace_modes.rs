//! The mode of each namespace: that of its Namespace, if it is among the objects.

use super::{Mode, namespace_mode};
use crate::gateway::{KubernetesObject, ObjectView};
use std::collections::BTreeMap;

/// The modes of the namespaces.
pub struct NamespaceModes {
    forced: Option<Mode>,
    labeled: BTreeMap<String, Mode>,
    unlabeled: Mode,
}

impl NamespaceModes {
    /// The modes that the Namespaces among the objects name. `forced` is the mode of every namespace, if it is given;
    /// `unlabeled` is that of a namespace that is not among the objects or whose label names no mode.
    pub fn of<'o, 'j: 'o>(
        objects: impl Iterator<Item = &'o KubernetesObject<'j>>,
        forced: Option<Mode>,
        unlabeled: Mode,
    ) -> Self {
        let mode = |object: &KubernetesObject<'_>| match &object.view {
            ObjectView::Namespace(namespace) => {
                Some((object.reference.namespace.clone(), namespace_mode(&namespace.metadata.labels)?))
            }
            _ => None,
        };
        Self { forced, labeled: objects.filter_map(mode).collect(), unlabeled }
    }

    /// The mode of a namespace.
    pub fn mode(&self, namespace: &str) -> Mode {
        self.forced.or_else(|| self.labeled.get(namespace).copied()).unwrap_or(self.unlabeled)
    }
}
