//! The manifests of the corpus that take an auth key or authenticate as an Entra app, as a user would fill them in.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The client id of the migrated gateways.
pub const CLIENT: &str = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
/// An auth key, as the portal shows it.
pub const KEY: &str = "GatewayKey orders&202601010000&c2lnbmF0dXJl";
const TENANT: &str = "2f4a6b8c-1111-2222-3333-444455556666";

/// The manifests. The others of the corpus that take a key are values of charts and Terraform.
const MANIFESTS: [&str; 23] = [
    "01-official-example-authkey-latest-pvc.yaml",
    "02-vladvino-v1-authkey-beta-dapr.yaml",
    "03-jannemattila-v1-authkey-inline-secret.yaml",
    "04-dapr-samples-v1-authkey-beta.yaml",
    "05-azure-ingress-cloud-authkey-2.4.0.yaml",
    "07-tomkerkhove-v2-authkey-2.1.4-ratelimit.yaml",
    "14-monojit18-v1-authkey-latest-internal-lb.yaml",
    "15-briandenicola-v1-authkey-latest.yaml",
    "18-azure-wiki-v2-authkey-configmapkeyref.yaml",
    "21-denniszielke-v2-authkey-portal-form.yaml",
    "22-vscode-apimanagement-generated.yaml.tmpl",
    "23-msdocs-token-auth-envfrom-secretref-2026.yaml",
    "25-msdocs-entra-app-secret-in-configmap-v2.yaml",
    "26-azure-arc-jumpstart-v2-authkey-portal-current.yaml.tmpl",
    "27-literal-gatewaykey-env-tag-2.3-v1-endpoint.yaml",
    "28-oneuptime-v2-authkey-arm-endpoint-mgmt-port.yaml",
    "29-cheops-v2.5.0-authkey-otel.yaml",
    "36-v2.4.0-authkey-no-template-labels-key-token.yaml",
    "rendered-helm-0.1.0-legacy.yaml",
    "rendered-helm-1.14.1-gatewaytoken.yaml",
    "rendered-helm-1.15.1-azureadapp.yaml",
    "rendered-helm-1.15.1-gatewaytoken-existing-secret.yaml",
    "rendered-helm-1.15.1-gatewaytoken.yaml",
];

/// What the authors left open, and what a user would write there.
const PLACEHOLDERS: [(&str, &str); 19] = [
    ("GatewayKey ${gatewayToken}", KEY),
    ("GatewayKey <TOKEN>", KEY),
    ("${gatewayNameLowercase}", "orders"),
    ("${gatewayEndpoint}", "https://contoso.configuration.azure-api.net"),
    ("$($apimName)", "contoso"),
    ("{apim-name}", "contoso"),
    ("\".configuration", "\"contoso.configuration"),
    ("<your-instance>", "contoso"),
    ("<service-name>", "contoso"),
    ("<namespace-name>", "apim"),
    ("<gateway-name>", "orders"),
    ("<gateway-id>", "orders"),
    ("<configuration-token>", KEY),
    ("<entra-id-tenant-id>", TENANT),
    ("<entra-id-app-id>", CLIENT),
    ("<entra-id-client-secret>", "a client secret"),
    ("<subscription-id>", TENANT),
    ("paste token here", KEY),
    ("paste URL here", "contoso.configuration.azure-api.net"),
];

/// What a manifest of the corpus leaves out.
const CONFIG_MAP: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: demo-apim-gateway-env
data:
  config.service.endpoint: https://contoso.management.azure-api.net/subscriptions/a/gateways/demo
";

/// The folder of the corpus (`CORPUS`, else `../shared/corpus`), if it exists.
pub fn corpus() -> Option<PathBuf> {
    let folder = env::var_os("CORPUS").map_or_else(|| Path::new("../shared/corpus").to_owned(), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The name and the text of each manifest, with what its author left open.
pub fn manifests(corpus: &Path) -> Vec<(&'static str, String)> {
    let filled = |name: &'static str| {
        let text = fs::read_to_string(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        // one shows its ConfigMap elsewhere
        let text = if name.starts_with("04") { format!("{text}\n---\n{CONFIG_MAP}") } else { text };
        // one has a selector, and no labels that it selects
        let labels = "  template:\n    metadata:\n      labels:\n        app: apim-gateway\n    spec:";
        let text = if name.starts_with("36") { text.replace("  template:\n    spec:", labels) } else { text };
        // the first line is the corpus' own, and can hold a key of the command that it names
        let text = match text.split_once('\n') {
            Some((first, rest)) if first.starts_with("# source: ") => rest.to_owned(),
            _ => text,
        };
        let filled = PLACEHOLDERS.iter().fold(text, |text, (placeholder, value)| text.replace(placeholder, value));
        // `migrate` leaves files alone that say that they are rendered
        (name, if is_rendered(name) { filled.replace("# Source: ", "# from ") } else { filled })
    };
    MANIFESTS.into_iter().map(filled).collect()
}

/// Whether a manifest was rendered from the chart, whose names do not say the name of the gateway.
pub fn is_rendered(name: &str) -> bool {
    name.starts_with("rendered")
}
