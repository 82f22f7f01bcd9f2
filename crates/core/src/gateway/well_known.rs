//! Names of well-known labels, annotations, users and objects, and the labels and annotations that rules evaluate.

/// Pod label that requests workload identity. Only the value `"true"` does (azure-workload-identity's webhook selects
/// Pods by `matchLabels`). Microsoft's article sets it on a `ServiceAccount` too.
pub const USE: &str = "azure.workload.identity/use";
/// `ServiceAccount` annotation: the client id that azure-workload-identity sets in its Pods as `AZURE_CLIENT_ID`.
pub const CLIENT_ID: &str = "azure.workload.identity/client-id";
/// `ServiceAccount` annotation: the tenant id, if it differs from the cluster's.
pub const TENANT_ID: &str = "azure.workload.identity/tenant-id";
/// Pod annotation: the names of containers that get no identity, separated by `;`.
pub const SKIP_CONTAINERS: &str = "azure.workload.identity/skip-containers";
/// Prefix of every label and annotation that azure-workload-identity reads.
pub const IDENTITY_PREFIX: &str = "azure.workload.identity/";
/// Label that the official chart sets on every object of a gateway, since chart 1.0.0-rc.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// The value of [`COMPONENT`] that the chart sets.
pub const SELF_HOSTED_GATEWAY: &str = "self-hosted-gateway";
/// Our label for a gateway that has no other sign of being one. Only the value `"true"` counts.
pub const GATEWAY: &str = "apim-keyless.dev/gateway";
/// Namespace label that sets how the gateways in the namespace are evaluated.
pub const MODE: &str = "apim-keyless.dev/mode";
/// Prefix of our own labels and annotations.
pub const OUR_PREFIX: &str = "apim-keyless.dev/";
/// Annotation of a mirror Pod: the API object that the kubelet creates for a static Pod. Nothing in the cluster can
/// change a mirror Pod, and no kubelet runs it (Kubernetes, "Create static Pods").
pub const MIRROR: &str = "kubernetes.io/config.mirror";
/// Prefix of every kubelet's user name.
pub const NODE_USER_PREFIX: &str = "system:node:";
/// Name of the gateway's container in the official chart.
pub const CHART_CONTAINER: &str = "azure-api-management-gateway";
/// The `ServiceAccount` that exists in every namespace and that a Pod uses if it names none.
pub const DEFAULT_SERVICE_ACCOUNT: &str = "default";
/// Name of the `ConfigMap` in Microsoft's workload identity article.
pub const ARTICLE_CONFIG_MAP: &str = "apim-gateway-env";

use super::IdentityKey;
use std::collections::BTreeMap;

/// A map of strings as in the Kubernetes API: labels, annotations, the data of a `ConfigMap` or a label selector.
pub type StringMap = BTreeMap<String, String>;

/// Returns true if a label marks an object as a gateway's: the chart's component label or our own.
pub fn marks_gateway(labels: &StringMap) -> bool {
    labels.get(COMPONENT).is_some_and(|value| value == SELF_HOSTED_GATEWAY)
        || labels.get(GATEWAY).is_some_and(|value| value == "true")
}

/// The prefix of the labels that Azure Arc adds to the objects of a cluster extension, such as
/// `clusterconfig.azure.com/extension-version`. The group is that of Arc's custom resources
/// ([extensions](https://learn.microsoft.com/azure/azure-arc/kubernetes/conceptual-extensions)); the labels are not
/// documented, and are known from listings of clusters.
const ARC_LABEL: &str = "clusterconfig.azure.com/";

/// Whether a label shows that Azure Arc installed an object as part of an extension.
pub fn is_of_arc_extension(labels: &StringMap) -> bool {
    labels.range(ARC_LABEL.to_owned()..).next().is_some_and(|(key, _)| key.starts_with(ARC_LABEL))
}

/// Whether a key has the prefix of our own labels and annotations, or a misspelled one such as `apimkeyless.io/`.
pub fn is_our_key(key: &str) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    let Some((first, rest)) = prefix.split_at_checked(FIRST_WORD.len()) else { return false };
    let rest = rest.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
    first.eq_ignore_ascii_case(FIRST_WORD)
        && rest.get(..SECOND_WORD.len()).is_some_and(|second| second.eq_ignore_ascii_case(SECOND_WORD))
}

/// The words of our prefix.
const FIRST_WORD: &str = "apim";
const SECOND_WORD: &str = "keyless";

/// Returns true if a rule can read this label or annotation: it has azure-workload-identity's prefix or a similar one, or
/// ours, or it is the chart's component label.
pub fn is_evaluated_key(key: &str) -> bool {
    IdentityKey::has_similar_prefix(key) || key.starts_with(OUR_PREFIX) || key == COMPONENT
}

/// The entries of labels or annotations that a rule can read.
pub fn evaluated_entries(labels_or_annotations: &StringMap) -> impl Iterator<Item = (&String, &String)> {
    labels_or_annotations.iter().filter(|(key, _)| is_evaluated_key(key))
}
