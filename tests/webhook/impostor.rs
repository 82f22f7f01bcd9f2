//! Another server, with another authority, at the address that a Service leads to.

use super::Webhook;
use super::server::Server;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A policy that lets keys through.
const ALLOWING: &str = "{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, metadata: {name: impostor},
  spec: {rules: {auth-key-reference: off}}}";

/// A server that would let keys through.
pub(crate) struct Impostor(Server);

impl Webhook {
    /// Registers once more, for one namespace alone, by a Service that leads to an impostor.
    pub(crate) async fn hijack(&self, namespace: &str) -> Impostor {
        let impostor = self.replica_of(ALLOWING, &own_authority()).await;
        let user = self.in_namespace("apim-keyless");
        let client_config = json!({
            "caBundle": STANDARD.encode(&self.server.authority_pem),
            "service": {"namespace": "apim-keyless", "name": "apim-keyless", "port": impostor.port, "path": "/enforce/validate"},
        });
        let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
        let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["CREATE"]});
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "hijacked"},
            "webhooks": [{
                "name": "hijacked.apim-keyless.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "failurePolicy": "Fail", "clientConfig": client_config, "namespaceSelector": selector, "rules": [rule],
            }],
        });
        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
        user.post(path, &configuration).await.stored();
        Impostor(impostor)
    }
}

/// Arguments of a server that makes a CA of its own, for the name of the Service.
fn own_authority() -> [String; 6] {
    let folder = tempfile::tempdir().unwrap().path().to_string_lossy().into_owned();
    let name = "apim-keyless.apim-keyless.svc";
    ["--certificate-source", "standalone", "--certificates", &folder, "--name", name].map(str::to_owned)
}

impl Impostor {
    /// How many reviews it was told of.
    pub(crate) fn reviews(&self) -> usize {
        self.0.events().iter().filter(|event: &&Value| event["message"] == "review").count()
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.0.stop();
    }
}
