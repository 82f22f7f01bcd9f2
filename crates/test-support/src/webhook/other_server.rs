//! Another server with another CA, at the address that the webhook's Service leads to.

use super::Webhook;
use super::server::Server;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A policy document that allows keys.
const POLICY: &str = "{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, metadata: {name: other-server},
  spec: {rules: {auth-key-reference: off}}}";

/// A server that allows keys.
pub struct OtherServer(Server);

impl Webhook {
    /// Starts another server, and registers a webhook entry for one namespace whose Service leads to it and whose
    /// caBundle is that of the real webhook.
    pub async fn register_other_server(&self, namespace: &str) -> OtherServer {
        let server = self.replica_with_policy(POLICY, &arguments_for_own_ca()).await;
        let user = self.in_own_namespace();
        let client_config = json!({
            "caBundle": STANDARD.encode(&self.server.ca_pem),
            "service": {
                "namespace": user.namespace, "name": "apim-keyless", "port": server.port, "path": "/enforce/validate",
            },
        });
        let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
        let rule = json!({
            "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["CREATE"],
        });
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "other-server"},
            "webhooks": [{
                "name": "other-server.apim-keyless.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "failurePolicy": "Fail", "clientConfig": client_config, "namespaceSelector": selector, "rules": [rule],
            }],
        });
        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
        user.post(path, &configuration).await.stored();
        OtherServer(server)
    }
}

/// Arguments of a server that creates its own CA. Its certificate has the name of the Service.
fn arguments_for_own_ca() -> [String; 6] {
    let folder = tempfile::tempdir().unwrap().path().to_string_lossy().into_owned();
    let name = "apim-keyless.apim-keyless.svc";
    ["--certificate-source", "standalone", "--certificates", &folder, "--name", name].map(str::to_owned)
}

impl OtherServer {
    /// The number of reviews that it received.
    pub fn reviews(&self) -> usize {
        self.0.events().iter().filter(|event: &&Value| event["message"] == "review").count()
    }
}

impl Drop for OtherServer {
    fn drop(&mut self) {
        self.0.stop();
    }
}
