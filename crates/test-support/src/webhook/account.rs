//! The permissions of the webhook in a cluster: exactly those that `deploy/install.yaml` grants to its ServiceAccount.

use super::registration::Registration;
use super::user::{User, eventually};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Creates the webhook's namespace with its ServiceAccount and roles.
pub(super) async fn create(user: &User, registration: &Registration) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": registration.name()}});
    user.post("/api/v1/namespaces", &namespace).await.stored();
    for object in registration.objects(include_str!("../../../../deploy/install.yaml")) {
        match object["kind"].as_str().unwrap() {
            "Role" | "RoleBinding" | "ServiceAccount" => _ = user.apply(&object).await.stored(),
            kind @ ("ClusterRole" | "ClusterRoleBinding") => {
                let path = format!("/apis/rbac.authorization.k8s.io/v1/{}s", kind.to_lowercase());
                user.post(&path, &object).await.stored();
            }
            _ => {}
        }
    }
}

/// A kubeconfig for a ServiceAccount of the user's namespace, for an API server at `address` with this CA (Base64).
pub async fn kubeconfig(user: &User, account: &str, address: &str, ca: &str) -> Value {
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let token = format!("/api/v1/namespaces/{}/serviceaccounts/{account}/token", user.namespace);
    let token: Value = user.post(&token, &request).await.stored();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "tests",
        "clusters": [{"name": "tests", "cluster": {"server": address, "certificate-authority-data": ca}}],
        "users": [{"name": "tests", "user": {"token": token["status"]["token"]}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests", "namespace": user.namespace}}],
    })
}

/// The CA certificates in the webhook's Secret, in PEM. Waits until there is at least one.
pub(super) async fn ca_certificates(user: &User) -> String {
    let path = format!("/api/v1/namespaces/{}/secrets/apim-keyless-ca", user.namespace);
    eventually("the Secret with the CAs", || async {
        let secret = user.get(&path).await;
        let data = secret.body["data"].as_object()?.clone();
        let certificates = data.iter().filter(|(key, _)| key.strip_suffix(".crt").is_some());
        let texts =
            certificates.map(|(_, text)| String::from_utf8(STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap());
        Some(texts.collect::<String>()).filter(|pem| !pem.is_empty())
    })
    .await
}

/// The decoded caBundle of every webhook entry of these configurations.
pub async fn ca_bundles(user: &User, configurations: &[String]) -> Vec<String> {
    let mut ca_bundles = Vec::new();
    for path in configurations {
        let configuration = user.get(path).await.stored();
        for webhook in configuration["webhooks"].as_array().unwrap() {
            let ca_bundle = webhook["clientConfig"]["caBundle"].as_str().unwrap_or_default();
            ca_bundles.push(String::from_utf8(STANDARD.decode(ca_bundle).unwrap()).unwrap());
        }
    }
    ca_bundles
}
