//! `ServiceAccount`, `Service` and `Namespace`: objects of which rules read little more than the metadata.

use super::Metadata;
use crate::gateway::json::go_json::{bounded_string_map, mapping_or_default};
use crate::gateway::well_known;
use crate::gateway::well_known::StringMap;
use serde::Deserialize;

/// The fields of a `ServiceAccount` that rules read.
#[derive(Clone, Default, PartialEq, Deserialize)]
pub struct ServiceAccount {
    /// Name, labels and annotations.
    #[serde(default, deserialize_with = "mapping_or_default")]
    pub metadata: Metadata,
}

impl ServiceAccount {
    /// A `ServiceAccount` reduced to what the cache keeps: its name, and the labels and annotations that a rule reads.
    pub fn for_cache(name: String, labels: &StringMap, annotations: &StringMap) -> Self {
        let owned_entries = |keys: &StringMap| {
            well_known::evaluated_entries(keys).map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let (labels, annotations) = (owned_entries(labels), owned_entries(annotations));
        Self { metadata: Metadata { name: Some(name), labels, annotations, ..Metadata::default() } }
    }

    /// Its approximate size in memory, in bytes.
    pub fn size(&self) -> usize {
        let texts = self.metadata.labels.iter().chain(&self.metadata.annotations);
        texts.map(|(key, value)| key.len() + value.len()).sum::<usize>() + self.name().len()
    }

    /// `metadata.name`; empty if the API server is yet to generate it.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}

/// The fields of a Service that rules read.
#[derive(Default, Deserialize)]
pub struct Service {
    /// Name, labels and annotations.
    #[serde(default, deserialize_with = "mapping_or_default")]
    pub metadata: Metadata,
    #[serde(default, deserialize_with = "mapping_or_default")]
    spec: ServiceSpec,
}

#[derive(Default, Deserialize)]
struct ServiceSpec {
    #[serde(default, deserialize_with = "bounded_string_map")]
    selector: StringMap,
}

impl Service {
    /// `spec.selector`; empty without one.
    pub fn selector(&self) -> &StringMap {
        &self.spec.selector
    }

    /// Returns true if `spec.selector` matches Pods with these labels. A Service without a selector matches none.
    pub fn selects(&self, labels: &StringMap) -> bool {
        let selector = self.selector();
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// The fields of a Namespace that rules read.
#[derive(Default, Deserialize)]
pub struct Namespace {
    /// Name, labels and annotations. Annotations can set the expectations for the gateways of the namespace.
    #[serde(default, deserialize_with = "mapping_or_default")]
    pub metadata: Metadata,
}
