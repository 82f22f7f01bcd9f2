//! Which namespaces are cached.

use apim_keyless_core::gateway::well_known::MODE;
use clap::ValueEnum;

/// Namespaces that are excluded in every scope.
const EXCLUDED: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];

/// Which namespaces the webhook configurations select. Only their objects are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// Every namespace but Kubernetes' own
    Cluster,
    /// Namespaces with the label apim-keyless.dev/mode: enforce or audit
    OptIn,
}

impl Scope {
    /// Whether a namespace of this name is cached whatever its labels are.
    pub(super) fn covers_by_name(self, namespace: &str) -> bool {
        self == Self::Cluster && !EXCLUDED.contains(&namespace)
    }

    /// Whether a namespace with this name and these labels is cached.
    pub(super) fn covers(self, namespace: &str, labels: &std::collections::BTreeMap<String, String>) -> bool {
        let has_opted_in = labels.get(MODE).is_some_and(|mode| mode == "enforce" || mode == "audit");
        self.covers_by_name(namespace) || (has_opted_in && !EXCLUDED.contains(&namespace))
    }
}
