//! Deployments with many items of one type, within the limits of `too-large-to-evaluate`.

use super::Scene;
use serde_json::{Value, json};

/// A complete gateway with `containers` containers of ten variables each.
pub(crate) fn containers(containers: usize) -> Scene {
    let container = |index| container(&format!("gateway-{index}"), &variables(10), &json!([main_config_map()]));
    with_config_maps((0..containers).map(container).collect(), Vec::new())
}

/// A gateway with `containers` containers, each with a key from a Secret.
pub(crate) fn containers_with_key(containers: usize) -> Scene {
    let key = json!({"name": "config.service.auth", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}});
    let container = |index| container(&format!("gateway-{index}"), &json!([key]), &json!([main_config_map()]));
    with_config_maps((0..containers).map(container).collect(), Vec::new())
}

/// A gateway with one container and `entries` variables.
pub(crate) fn entries(entries: usize) -> Scene {
    with_config_maps(vec![container("gateway", &variables(entries), &json!([main_config_map()]))], Vec::new())
}

/// A gateway with one container and `references` variables, each with a reference to the previous one, and a setting that
/// refers to the last.
pub(crate) fn references(references: usize) -> Scene {
    let variable = |index| json!({"name": format!("variable.{index}"), "value": format!("$(variable.{})", index + 1)});
    let setting = json!({"name": "config.service.auth.tokenAudience", "value": "$(variable.0)"});
    let variables = (0..references).rev().map(variable).chain([setting]).collect();
    with_config_maps(vec![container("gateway", &variables, &json!([main_config_map()]))], Vec::new())
}

/// A gateway with one container that references `config_maps` ConfigMaps of ten keys. Every second one is unknown.
pub(crate) fn config_maps(config_maps: usize) -> Scene {
    let name = |index: usize| format!("settings-{index}");
    let reference = |index| json!({"configMapRef": {"name": name(index)}});
    let sources = [main_config_map()].into_iter().chain((0..config_maps).map(reference)).collect();
    let key = |index: usize| (format!("setting.{index}"), Value::from("text"));
    let config_map = |index| {
        let data: serde_json::Map<String, Value> = (0..10).map(key).collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name(index)}, "data": data})
    };
    let known = (0..config_maps).step_by(2).map(config_map).collect();
    with_config_maps(vec![container("gateway", &json!([]), &sources)], known)
}

fn with_config_maps(containers: Vec<Value>, config_maps: Vec<Value>) -> Scene {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"},
        "spec": {
            "selector": {"matchLabels": {"app": "orders"}},
            "template": {
                "metadata": {"labels": {"app": "orders", "azure.workload.identity/use": "true"}},
                "spec": {"serviceAccountName": "apim-gateway-workload-identity", "containers": Value::from(containers)},
            },
        },
    });
    let main = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "apim-gateway-env"},
        "data": {
            "config.service.auth": "workloadIdentity", "gateway.name": "orders",
            "config.service.endpoint": "contoso.configuration.azure-api.net",
        },
    });
    Scene::of(&deployment, &[config_maps, vec![main, deployment.clone()]].concat())
}

fn container(name: &str, env: &Value, env_from: &Value) -> Value {
    let image = "mcr.microsoft.com/azure-api-management/gateway:2.11.1";
    json!({"name": name, "image": image, "env": env, "envFrom": env_from})
}

fn main_config_map() -> Value {
    json!({"configMapRef": {"name": "apim-gateway-env"}})
}

fn variables(count: usize) -> Value {
    (0..count).map(|index| json!({"name": format!("variable.{index}"), "value": "text"})).collect()
}
