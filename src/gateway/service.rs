//! A Service before a gateway: nothing of identity is read there, but people write it there.

use super::Metadata;
use super::reading::{nullable, or_default};
use super::well_known::Keys;
use serde::Deserialize;

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
