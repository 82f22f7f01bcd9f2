//! The gateway's `ServiceAccount`: who its Pods are for Entra.

use super::reading::or_default;
use super::well_known::Keys;
use super::{Metadata, well_known};
use serde::Deserialize;

/// What rules read of a `ServiceAccount`.
#[derive(Clone, Default, PartialEq, Deserialize)]
pub struct ServiceAccount {
    /// Name, labels and annotations.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Metadata,
}

impl ServiceAccount {
    /// What is worth keeping of a `ServiceAccount` that stands beside others: the labels and annotations that a rule reads.
    pub fn abridged(name: String, labels: &Keys, annotations: &Keys) -> Self {
        let judged = |keys: &Keys| well_known::judged(keys).map(|(key, value)| (key.clone(), value.clone())).collect();
        let (labels, annotations) = (judged(labels), judged(annotations));
        Self { metadata: Metadata { name: Some(name), labels, annotations, ..Metadata::default() } }
    }

    /// About how many bytes it takes in memory.
    pub fn size(&self) -> usize {
        let texts = self.metadata.labels.iter().chain(&self.metadata.annotations);
        texts.map(|(key, value)| key.len() + value.len()).sum::<usize>() + self.name().len()
    }

    /// Its name; empty while the API server has yet to generate one.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}
