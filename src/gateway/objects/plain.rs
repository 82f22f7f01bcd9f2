//! Objects of which rules read little more than the metadata: `ServiceAccount`, Service and Namespace.

use super::Metadata;
use crate::gateway::json::go_json::{nullable, or_default};
use crate::gateway::well_known;
use crate::gateway::well_known::Keys;
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
        let evaluated_keys =
            |keys: &Keys| well_known::evaluated_keys(keys).map(|(key, value)| (key.clone(), value.clone())).collect();
        let (labels, annotations) = (evaluated_keys(labels), evaluated_keys(annotations));
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

/// What rules read of a Service.
#[derive(Default, Deserialize)]
pub struct Service {
    /// Name, labels and annotations.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    spec: ServiceSpec,
}

#[derive(Default, Deserialize)]
struct ServiceSpec {
    #[serde(default, deserialize_with = "nullable")]
    selector: Keys,
}

impl Service {
    /// Does it select Pods with these labels? One without a selector selects none.
    pub fn selects(&self, labels: &Keys) -> bool {
        let selector = &self.spec.selector;
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// What rules read of a Namespace.
#[derive(Default, Deserialize)]
pub struct Namespace {
    /// Its annotations may tell what is expected of its gateways.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Metadata,
}
