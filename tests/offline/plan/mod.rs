//! `plan`: the real binary over manifests, and its scripts and templates in the tools that read them.

mod credentials;
mod input;
mod script;
mod templates;

use test_support::run::{Folder, RunOutput};

/// The client id of [`gateway`].
const CLIENT_ID: &str = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
/// An issuer with a final slash, as AKS has.
const ISSUER: &str = "https://issuer.example/id/";
/// Flags for every value that a script asks for.
const VALUES: &[&str] = &[
    "--subscription",
    "00000000-0000-0000-0000-000000000001",
    "--tenant",
    "00000000-0000-0000-0000-000000000002",
    "--resource-group",
    "apim-rg",
    "--location",
    "the cellar",
];

/// A correct gateway, whose objects all have this name.
fn gateway(namespace: &str, name: &str) -> String {
    with(
        namespace,
        name,
        name,
        "contoso.configuration.azure-api.net",
        &format!("{{azure.workload.identity/client-id: {CLIENT_ID}}}"),
    )
}

/// A gateway with these values.
fn with(namespace: &str, name: &str, gateway_name: &str, endpoint: &str, annotations: &str) -> String {
    let gateway_name = serde_json::to_string(gateway_name).unwrap();
    format!(
        r"---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {namespace}
  annotations: {annotations}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}}}
data:
  gateway.name: {gateway_name}
  config.service.auth: workloadIdentity
  config.service.endpoint: https://{endpoint}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  template:
    spec:
      serviceAccountName: {name}
      containers:
      - name: gateway
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom:
        - configMapRef: {{name: {name}}}
"
    )
}

/// Runs `plan` on `gw.yaml` with this text.
fn plan(manifests: &str, arguments: &[&str]) -> RunOutput {
    let folder = Folder::with(&[("gw.yaml", manifests)]);
    folder.run(&[&["plan", "gw.yaml"], arguments].concat())
}
