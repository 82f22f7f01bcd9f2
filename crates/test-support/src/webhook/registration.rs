//! Registers rendered webhook configurations as in production: with a Service in front of the webhook.

use super::account::CONFIGURATIONS;
use super::user::{User, documents, eventually};
use serde_json::{Value, json};

/// Dry runs of ConfigMaps here show whether the API server calls the webhooks.
const AWAITED: &str = "/api/v1/namespaces/awaited/configmaps?dryRun=All";

/// Creates the Service, registers the configurations of `deploy/install.yaml`, and waits until the API server calls
/// both webhooks.
pub(super) async fn register(user: &User, port: u16) {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "apim-keyless"},
        // the API server connects to this machine as in production: through a Service, whose name it verifies in TLS
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": 443}]},
    });
    user.apply(&service).await.stored();
    for configuration in configurations(include_str!("../../deploy/install.yaml"), port) {
        user.post(&collection(&configuration), &configuration).await.stored();
    }
    let labels = json!({"apim-keyless.dev/mode": "enforce"});
    user.post(
        "/api/v1/namespaces",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "awaited", "labels": labels}}),
    )
    .await
    .stored();
    wait_until_called(user).await;
}

/// Replaces the registered configurations with those of another rendering.
pub(super) async fn register_instead(user: &User, rendering: &str, port: u16) {
    unregister(user).await;
    for configuration in configurations(rendering, port) {
        user.post(&collection(&configuration), &configuration).await.stored();
    }
    wait_until_called(user).await;
}

/// Deletes the configurations if they exist.
pub(super) async fn unregister(user: &User) {
    for path in CONFIGURATIONS {
        let response = user.remove(path).await;
        assert!([200, 404].contains(&response.status), "{path}: {}", response.body);
    }
}

fn configurations(rendering: &str, port: u16) -> Vec<Value> {
    let mut objects = documents(&rendering.replace("port: 443", &format!("port: {port}")));
    objects.retain(|object| object["apiVersion"] == "admissionregistration.k8s.io/v1");
    objects
}

fn collection(configuration: &Value) -> String {
    let kind = configuration["kind"].as_str().unwrap().to_lowercase();
    format!("/apis/admissionregistration.k8s.io/v1/{kind}s")
}

/// Waits until the API server calls both webhooks. It notices each configuration and each caBundle at a different time,
/// and until then it ignores failed calls of the mutating webhook (`failurePolicy: Ignore`).
async fn wait_until_called(user: &User) {
    let config_map = |data: Value| {
        let metadata = json!({"name": "awaited", "namespace": "awaited"});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    };
    let denied = config_map(json!({"config.service.auth": "key"}));
    let mutated = config_map(
        json!({"config.service.endpoint": "https://contoso.configuration.azure-api.net", "gateway.name": "orders"}),
    );
    eventually("calls of both webhooks", || async {
        let denial = user.post(AWAITED, &denied).await;
        let mutation = user.post(AWAITED, &mutated).await;
        let method = mutation.body.pointer("/data/config.service.auth").and_then(Value::as_str);
        (denial.status == 403 && method == Some("workloadIdentity")).then_some(())
    })
    .await;
}
