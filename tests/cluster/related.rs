//! A gateway and its related objects.

use serde_json::{Value, json};
use test_support::webhook::{User, documents, eventually};

/// A gateway that takes all settings of the `ConfigMap` `related` with the prefix `config.service.`.
const DEPLOYMENT_WITH_PREFIX: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: prefixed}
spec:
  selector: {matchLabels: {app: prefixed}}
  template:
    metadata: {labels: {app: prefixed, azure.workload.identity/use: 'true'}}
    spec:
      serviceAccountName: apim-gateway-workload-identity
      containers:
      - name: prefixed
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom:
        - {configMapRef: {name: apim-gateway-env}}
        - {configMapRef: {name: related}, prefix: config.service.}
";

/// A `ConfigMap` with an auth key under a name that does not show it.
pub(crate) fn hidden_key() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "related"},
           "data": {"auth": "GatewayKey orders&202701010000&bm90IGEga2V5"}})
}

/// The gateway's own `ConfigMap`, complete.
pub(crate) fn main_config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "apim-gateway-env"},
           "data": {"config.service.endpoint": "orders.configuration.azure-api.net", "gateway.name": "orders",
                    "config.service.auth": "workloadIdentity"}})
}

/// The `ServiceAccount` of the gateway.
pub(crate) fn account(client_id: Option<&str>) -> Value {
    let annotations = client_id.map_or(json!({}), |id| json!({"azure.workload.identity/client-id": id}));
    json!({"apiVersion": "v1", "kind": "ServiceAccount",
           "metadata": {"name": "apim-gateway-workload-identity", "annotations": annotations,
                        "labels": {"azure.workload.identity/use": "true"}}})
}

/// The gateway of [`DEPLOYMENT_WITH_PREFIX`].
pub(crate) fn deployment_with_prefix() -> Value {
    documents(DEPLOYMENT_WITH_PREFIX).remove(0)
}

/// The rules in the webhook's warnings for a dry run of the object.
pub(crate) async fn warned_rules(user: &User, object: &Value) -> Vec<String> {
    let warnings = user.apply_with(object, "?dryRun=All").await.warnings;
    warnings.iter().filter_map(|warning| Some(warning.split(": ").nth(1)?.to_owned())).collect()
}

/// Waits until this rule denies the object.
pub(crate) async fn until_denied(user: &User, object: &Value, rule: &str) {
    eventually(rule, || async {
        let response = user.apply_with(object, "?dryRun=All").await;
        (response.status == 403 && response.body["message"].as_str().unwrap_or_default().contains(rule)).then_some(())
    })
    .await;
}
