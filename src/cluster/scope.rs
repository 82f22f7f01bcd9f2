//! Which namespaces are looked at.

use crate::gateway::well_known::MODE;
use clap::ValueEnum;

/// Namespaces that are never judged, in no scope.
const EXCLUDED: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];

/// Which namespaces the webhook configurations send to us, so that no more than these are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// Every namespace but Kubernetes' own
    Cluster,
    /// Namespaces with the label apim-keyless.dev/mode: enforce or audit
    OptIn,
}

impl Scope {
    /// Is a namespace of this name looked at before anything is known of it?
    pub(super) fn covers_at_once(self, namespace: &str) -> bool {
        self == Self::Cluster && !EXCLUDED.contains(&namespace)
    }

    /// Is a namespace of this name and with these labels looked at?
    pub(super) fn covers(self, namespace: &str, labels: &std::collections::BTreeMap<String, String>) -> bool {
        let opted_in = labels.get(MODE).is_some_and(|mode| mode == "enforce" || mode == "audit");
        self.covers_at_once(namespace) || (opted_in && !EXCLUDED.contains(&namespace))
    }
}
