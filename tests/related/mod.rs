//! A gateway that takes what stands beside it, and those things.

#![allow(dead_code, reason = "each test binary includes this module and uses its own part of it")]
#![allow(clippy::indexing_slicing, reason = "only tests call this, and a fault here is theirs to fail with")]

use crate::webhook::{User, documents, eventually};
use serde_json::{Value, json};

/// A gateway that takes every setting of `ConfigMap` `related`, each name behind `config.service.`.
const PREFIXED: &str = "
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
        - {configMapRef: {name: beside}, prefix: config.service.}
";

/// A key that hides: no name in it tells that it is one.
pub(crate) fn hidden_key() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "beside"},
           "data": {"auth": "GatewayKey orders&202701010000&bm90IGEga2V5"}})
}

/// What a gateway needs.
pub(crate) fn main_config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "apim-gateway-env"},
           "data": {"config.service.endpoint": "orders.configuration.azure-api.net", "gateway.name": "orders",
                    "config.service.auth": "workloadIdentity"}})
}

/// The `ServiceAccount` that gateways run under.
pub(crate) fn account(client_id: Option<&str>) -> Value {
    let annotations = client_id.map_or(json!({}), |id| json!({"azure.workload.identity/client-id": id}));
    json!({"apiVersion": "v1", "kind": "ServiceAccount",
           "metadata": {"name": "apim-gateway-workload-identity", "annotations": annotations,
                        "labels": {"azure.workload.identity/use": "true"}}})
}

/// The gateway of [`PREFIXED`].
pub(crate) fn prefixed() -> Value {
    documents(PREFIXED).remove(0)
}

/// The rules that the webhook's warnings name when the object is tried and not stored.
pub(crate) async fn remarks(user: &User, object: &Value) -> Vec<String> {
    let warnings = user.apply_with(object, "?dryRun=All").await.warnings;
    warnings.iter().filter_map(|warning| Some(warning.split(": ").nth(1)?.to_owned())).collect()
}

/// Waits until the object is refused by this rule.
pub(crate) async fn until_refused(user: &User, object: &Value, rule: &str) {
    eventually(rule, || async {
        let answer = user.apply_with(object, "?dryRun=All").await;
        (answer.status == 403 && answer.body["message"].as_str().unwrap_or_default().contains(rule)).then_some(())
    })
    .await;
}
