//! The patch and the `ServiceAccount` for a gateway whose manifest is at a remote address.

use super::SourceContext;
use super::overlay::RESOURCES;
use apim_keyless_core::gateway::well_known::{CLIENT_ID, USE};
use apim_keyless_core::gateway::{Cloud, Setting, WORKLOAD_IDENTITY};
use serde_json::{Value, json};

/// What to do if no patch of the kustomization names the workload.
pub(super) const REMOTE: &str = "Write a patch for the gateway of the remote base by hand: the label azure.workload.identity/use: \"true\" and a \
                      serviceAccountName in its pod template, config.service.auth: workloadIdentity and gateway.name in its \
                      environment; add the ServiceAccount to resources";

/// The `ServiceAccount` of a gateway.
pub(super) fn account(name: &str, client_id: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "labels": {USE: "true"}, "annotations": {CLIENT_ID: client_id}},
    })
}

/// The workload of a gateway that a patch changes.
pub(super) struct PatchedWorkload {
    api_version: String,
    kind: String,
    pub(super) name: String,
    container: String,
    /// The endpoint that the patch sets.
    endpoint: Option<String>,
}

impl PatchedWorkload {
    /// The patch for workload identity.
    pub(super) fn patch(&self, account: &str, gateway: &str) -> Value {
        let Self { api_version, kind, name, container, endpoint } = self;
        let variable =
            |setting: Setting, value: &str| json!({"name": setting.name(), "value": value, "valueFrom": null});
        let mut env = vec![variable(Setting::Auth, WORKLOAD_IDENTITY), variable(Setting::GatewayName, gateway)];
        let cloud = endpoint.as_deref().and_then(Cloud::of_api_management).filter(|cloud| *cloud != Cloud::Public);
        env.extend(cloud.map(|cloud| variable(Setting::TokenAudience, cloud.token_audience())));
        json!({
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": name},
            "spec": {"template": {
                "metadata": {"labels": {USE: "true"}},
                "spec": {"serviceAccountName": account, "containers": [{"name": container, "env": env}]},
            }},
        })
    }
}

/// Whether an entry of `resources` is a remote address and no path.
pub(super) fn is_remote(entry: &str) -> bool {
    entry.contains("://") || entry.contains("?ref=") || entry.starts_with("git@") || entry.starts_with("github.com/")
}

/// Whether a kustomization includes a base at a remote address: nobody here knows its objects.
pub fn has_remote_base(kustomization: &Value) -> bool {
    let entries = RESOURCES.iter().filter_map(|field| kustomization.get(*field)?.as_array()).flatten();
    entries.filter_map(Value::as_str).any(is_remote)
}

/// The workload of a gateway that a patch changes.
pub(super) fn gateway_of(patch: &Value, context: SourceContext<'_>) -> Option<PatchedWorkload> {
    let text = |pointer: &str| patch.pointer(pointer).and_then(Value::as_str);
    let containers = patch.pointer("/spec/template/spec/containers").and_then(Value::as_array)?;
    let container = containers.iter().find(|container| {
        let image = container.get("image").and_then(Value::as_str);
        image.is_some_and(|name| context.images.is_gateway(name))
            || container.get("env").is_some_and(|env| env.to_string().contains("config.service."))
    })?;
    let variables = container.get("env").and_then(Value::as_array).into_iter().flatten();
    let mut endpoints = variables.filter(|variable| {
        variable.get("name").and_then(Value::as_str).and_then(Setting::of) == Some(Setting::Endpoint)
    });
    let endpoint = endpoints.find_map(|variable| variable.get("value")?.as_str().map(str::to_owned));
    let container = container.get("name").and_then(Value::as_str)?;
    Some(PatchedWorkload {
        api_version: text("/apiVersion").unwrap_or("apps/v1").to_owned(),
        kind: text("/kind")?.to_owned(),
        name: text("/metadata/name")?.to_owned(),
        container: container.to_owned(),
        endpoint,
    })
}
