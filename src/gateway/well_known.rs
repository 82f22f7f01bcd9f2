//! Labels and annotations that are known by name, and the one place that tells whose a key is.

/// Label of a Pod that asks for workload identity; only `"true"` does
/// (azure-workload-identity's webhook selects Pods by `matchLabels`). On a `ServiceAccount` Microsoft's article sets it too.
pub const USE: &str = "azure.workload.identity/use";
/// Annotation of a `ServiceAccount`: the client id that azure-workload-identity gives to its Pods as `AZURE_CLIENT_ID`.
pub const CLIENT_ID: &str = "azure.workload.identity/client-id";
/// Annotation of a `ServiceAccount`: the tenant id, where it is not the cluster's.
pub const TENANT_ID: &str = "azure.workload.identity/tenant-id";
/// Prefix of everything that azure-workload-identity reads.
pub const IDENTITY_PREFIX: &str = "azure.workload.identity/";
/// Label that the official chart sets on everything of a gateway, since chart 1.0.0-rc.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// The chart's value of [`COMPONENT`].
pub const SELF_HOSTED_GATEWAY: &str = "self-hosted-gateway";
/// Our label for a gateway that nothing else shows to be one; only `"true"` counts.
pub const GATEWAY: &str = "apim-keyless.dev/gateway";
/// Label of a Namespace that says how its gateways are judged.
pub const MODE: &str = "apim-keyless.dev/mode";
/// Prefix of our own labels and annotations.
pub const OUR_PREFIX: &str = "apim-keyless.dev/";
/// Annotation of a mirror Pod: the kubelet's picture of a static Pod, which nothing in the cluster can change and which no
/// kubelet runs (Kubernetes, "Create static Pods").
pub const MIRROR: &str = "kubernetes.io/config.mirror";
/// What the user name of every kubelet begins with.
pub const NODE_USER_PREFIX: &str = "system:node:";
/// Name that the official chart gives to the gateway's container.
pub const CHART_CONTAINER: &str = "azure-api-management-gateway";
/// The `ServiceAccount` that every namespace has and that a Pod takes if it names none.
pub const DEFAULT_SERVICE_ACCOUNT: &str = "default";
/// The `ConfigMap` of Microsoft's workload identity article.
pub const ARTICLE_CONFIG_MAP: &str = "apim-gateway-env";

use std::collections::BTreeMap;

/// Labels or annotations, as Kubernetes' types hold them.
pub type Keys = BTreeMap<String, String>;

/// Does a label say that this is a gateway's: the chart's component label or ours?
pub fn marks_gateway(labels: &Keys) -> bool {
    labels.get(COMPONENT).is_some_and(|value| value == SELF_HOSTED_GATEWAY)
        || labels.get(GATEWAY).is_some_and(|value| value == "true")
}

/// The labels or annotations that a rule reads: azure-workload-identity's, ours, and the chart's component label.
pub fn evaluated_keys(keys: &Keys) -> impl Iterator<Item = (&String, &String)> {
    keys.iter()
        .filter(|(key, _)| key.starts_with(IDENTITY_PREFIX) || key.starts_with(OUR_PREFIX) || key.as_str() == COMPONENT)
}
