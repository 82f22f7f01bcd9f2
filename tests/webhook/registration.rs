//! The webhook configurations of a rendering, registered as in production: with a Service in front.

use super::account::CONFIGURATIONS;
use super::user::{User, documents, eventually};
use serde_json::{Value, json};

/// Where it is tried whether they are called.
const AWAITED: &str = "/api/v1/namespaces/awaited/configmaps?dryRun=All";

/// Makes the Service and registers the configurations of `deploy/install.yaml`; waits until they count.
pub(super) async fn register(user: &User, port: u16) {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "apim-keyless"},
        // what makes the API server dial this machine by the way of production: a Service, with its name in TLS
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
    wait_until_it_counts(user).await;
}

/// Puts the configurations of another rendering in their place.
pub(super) async fn register_instead(user: &User, rendering: &str, port: u16) {
    unregister(user).await;
    for configuration in configurations(rendering, port) {
        user.post(&collection(&configuration), &configuration).await.stored();
    }
    wait_until_it_counts(user).await;
}

/// Takes the configurations away, if there are any.
pub(super) async fn unregister(user: &User) {
    for path in CONFIGURATIONS {
        let answer = user.remove(path).await;
        assert!([200, 404].contains(&answer.status), "{path}: {}", answer.body);
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

/// Each of the two configurations is seen by the API server in its own time, and so is each caBundle; a call at the mutate
/// door that fails meanwhile is left out without a word.
async fn wait_until_it_counts(user: &User) {
    let of = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "awaited", "namespace": "awaited"}, "data": data});
    let refused = of(json!({"config.service.auth": "key"}));
    let mended =
        of(json!({"config.service.endpoint": "https://contoso.configuration.azure-api.net", "gateway.name": "orders"}));
    eventually("calls of both webhooks", || async {
        let refusal = user.post(AWAITED, &refused).await;
        let answer = user.post(AWAITED, &mended).await;
        let method = answer.body.pointer("/data/config.service.auth").and_then(Value::as_str);
        (refusal.status == 403 && method == Some("workloadIdentity")).then_some(())
    })
    .await;
}
