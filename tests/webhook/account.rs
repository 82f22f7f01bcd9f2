//! What the webhook may do in a cluster: exactly what `deploy/apim-keyless.yaml` grants to its ServiceAccount.

use super::user::{User, documents};
use serde_json::{Value, json};

/// Makes the webhook's namespace with its ServiceAccount and roles.
pub(super) async fn make(user: &User) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apim-keyless"}});
    user.post("/api/v1/namespaces", &namespace).await.stored();
    for object in documents(include_str!("../../deploy/apim-keyless.yaml")) {
        match object["kind"].as_str().unwrap() {
            "ServiceAccount" => _ = user.apply(&object).await.stored(),
            kind @ ("ClusterRole" | "ClusterRoleBinding") => {
                let path = format!("/apis/rbac.authorization.k8s.io/v1/{}s", kind.to_lowercase());
                user.post(&path, &object).await.stored();
            }
            _ => {}
        }
    }
}

/// A kubeconfig for the ServiceAccount, for an API server at `address` with this CA.
pub(super) async fn kubeconfig(user: &User, address: &str, authority: &str) -> Value {
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let token = "/api/v1/namespaces/apim-keyless/serviceaccounts/apim-keyless/token";
    let token: Value = user.post(token, &request).await.stored();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "tests",
        "clusters": [{"name": "tests", "cluster": {"server": address, "certificate-authority-data": authority}}],
        "users": [{"name": "tests", "user": {"token": token["status"]["token"]}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
    })
}
