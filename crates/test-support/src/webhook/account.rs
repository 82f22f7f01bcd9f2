//! The permissions of the webhook in a cluster: exactly those that `deploy/install.yaml` grants to its ServiceAccount.

use super::user::{User, documents, eventually};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Creates the webhook's namespace with its ServiceAccount and roles.
pub(super) async fn create(user: &User) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apim-keyless"}});
    user.post("/api/v1/namespaces", &namespace).await.stored();
    for object in documents(include_str!("../../deploy/install.yaml")) {
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

/// A kubeconfig for a ServiceAccount of the webhook's namespace, for an API server at `address` with this CA (Base64).
pub(crate) async fn kubeconfig(user: &User, account: &str, (address, ca): (&str, &str)) -> Value {
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let token = format!("/api/v1/namespaces/apim-keyless/serviceaccounts/{account}/token");
    let token: Value = user.post(&token, &request).await.stored();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "tests",
        "clusters": [{"name": "tests", "cluster": {"server": address, "certificate-authority-data": ca}}],
        "users": [{"name": "tests", "user": {"token": token["status"]["token"]}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests", "namespace": "apim-keyless"}}],
    })
}

/// The CA certificates in the webhook's Secret, in PEM. Waits until there is at least one.
pub(super) async fn ca_certificates(user: &User) -> String {
    let path = "/api/v1/namespaces/apim-keyless/secrets/apim-keyless-ca";
    eventually("the Secret with the CAs", || async {
        let secret = user.get(path).await;
        let data = secret.body["data"].as_object()?.clone();
        let certificates = data.iter().filter(|(key, _)| key.strip_suffix(".crt").is_some());
        let texts =
            certificates.map(|(_, text)| String::from_utf8(STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap());
        Some(texts.collect::<String>()).filter(|pem| !pem.is_empty())
    })
    .await
}

/// The paths of the webhook configurations.
pub(crate) const CONFIGURATIONS: [&str; 2] = [
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/apim-keyless",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/apim-keyless",
];

/// The decoded caBundle of every webhook entry.
pub(crate) async fn ca_bundles(user: &User) -> Vec<String> {
    let mut ca_bundles = Vec::new();
    for path in CONFIGURATIONS {
        let configuration = user.get(path).await.stored();
        for webhook in configuration["webhooks"].as_array().unwrap() {
            let ca_bundle = webhook["clientConfig"]["caBundle"].as_str().unwrap_or_default();
            ca_bundles.push(String::from_utf8(STANDARD.decode(ca_bundle).unwrap()).unwrap());
        }
    }
    ca_bundles
}
