//! The gateway's `ServiceAccount`: who its Pods are for Entra.

use super::Metadata;
use super::reading::or_default;
use serde::Deserialize;

/// What rules read of a `ServiceAccount`.
#[derive(Clone, Default, PartialEq, Deserialize)]
pub struct ServiceAccount {
    /// Name, labels and annotations.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Metadata,
}

impl ServiceAccount {
    /// Its name; empty while the API server has yet to generate one.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}
