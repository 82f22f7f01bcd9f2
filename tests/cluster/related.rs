//! A gateway and its related objects.

use serde_json::{Value, json};
use test_support::webhook::{User, documents, eventually};

/// A gateway that takes all settings of its own `ConfigMap` and of the `ConfigMap` `related`.
const DEPLOYMENT_WITH_RELATED: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders, azure.workload.identity/use: 'true'}}
    spec:
      serviceAccountName: apim-gateway-workload-identity
      containers:
      - name: orders
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom:
        - {configMapRef: {name: apim-gateway-env}}
        - {configMapRef: {name: related}}
";

/// A `ConfigMap` with an auth key. An enforced namespace denies it; see [`write_before_enforcement`].
pub(crate) fn config_map_with_key() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "related"},
           "data": {"config.service.auth": "GatewayKey orders&202701010000&bm90IGEga2V5"}})
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

/// The gateway of [`DEPLOYMENT_WITH_RELATED`].
pub(crate) fn deployment_with_related() -> Value {
    documents(DEPLOYMENT_WITH_RELATED).remove(0)
}

/// The rules in the webhook's warnings for a dry run of the object.
pub(crate) async fn warned_rules(user: &User, object: &Value) -> Vec<String> {
    let warnings = user.apply_with(object, "?dryRun=All").await.warnings;
    warnings.iter().filter_map(|warning| Some(warning.split(": ").nth(1)?.to_owned())).collect()
}

/// Writes an object while the namespace is not enforced, and waits until it is enforced again.
pub(crate) async fn write_before_enforcement(user: &User, object: &Value) {
    let set_mode = async |mode: Value| {
        user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": mode}}})).await.stored();
    };
    set_mode(Value::Null).await;
    eventually("the object is written", || async { (user.apply(object).await.status < 300).then_some(()) }).await;
    set_mode(json!("enforce")).await;
    until_enforced(user).await;
}

/// Waits until the API server notices that the namespace is enforced.
pub(crate) async fn until_enforced(user: &User) {
    let mut again = config_map_with_key();
    again["metadata"]["name"] = json!("again");
    until_denied(user, &again, "auth-key-literal").await;
}

/// Waits until this rule denies the creation of the object for what a related object holds, which no dry run does.
pub(crate) async fn until_creation_is_denied(user: &User, object: &Value, rule: &str) -> String {
    eventually(rule, || async {
        let response = user.apply(object).await;
        if response.status < 300 {
            user.delete(object).await.stored();
        }
        let message = response.body["message"].as_str().unwrap_or_default();
        (response.status == 403 && message.contains(rule)).then(|| message.to_owned())
    })
    .await
}

/// Waits until this rule denies the object.
pub(crate) async fn until_denied(user: &User, object: &Value, rule: &str) {
    eventually(rule, || async {
        let response = user.apply_with(object, "?dryRun=All").await;
        (response.status == 403 && response.body["message"].as_str().unwrap_or_default().contains(rule)).then_some(())
    })
    .await;
}
