//! What nothing needs any more.

use apim_keyless_core::gateway::ObjectReference;

/// An object that a migration left: no gateway uses it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The cluster, if it is in one.
    pub cluster: Option<String>,
    /// The object. The API group of an object that was not read is unknown; its `api_version` is then empty.
    pub object: ObjectReference,
    /// What to do, then why. It contains no value of a setting.
    pub message: String,
}

impl Leftover {
    /// The object and the message on one line; with the cluster if there are several.
    pub(crate) fn line(&self, has_clusters: bool) -> String {
        let cluster = self.cluster.as_deref().filter(|_| has_clusters);
        let cluster = cluster.map(|cluster| format!("{cluster}: ")).unwrap_or_default();
        format!("{cluster}{}: {}", self.object, self.message)
    }
}
