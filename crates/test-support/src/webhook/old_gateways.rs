//! Gateways whose ConfigMaps hold a key since before the enforcement of their namespace.

use super::objects::{ARTICLE, one};
use super::user::{User, eventually};
use super::{Response, Webhook};
use serde_json::{Value, json};

/// A key of a gateway, as an old ConfigMap holds it.
pub const KEY: &str = "GatewayKey orders&202701010000&bm90IGEga2V5";

/// Old gateways of one namespace. Only their ConfigMaps exist; their Deployments are written later.
pub struct OldGateways {
    /// A user of the namespace.
    pub user: User,
    /// The ConfigMap and the Deployment of each, without a key.
    pub migrated: Vec<[Value; 2]>,
}

impl OldGateways {
    /// Writes the ConfigMaps of `count` gateways with a key, enforces the namespace, and waits until the webhook knows
    /// every key.
    pub async fn write(webhook: &Webhook, namespace: &str, count: usize) -> Self {
        let user = webhook.user(namespace, None).await;
        let old = Self { user, migrated: (0..count).map(numbered).collect() };
        for [config_map, _] in &old.migrated {
            let mut with_key = config_map.clone();
            with_key["data"]["config.service.auth"] = json!(KEY);
            old.user.apply(&with_key).await.stored();
        }
        old.user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
        old.user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
        for [_, deployment] in &old.migrated {
            until_warned(&old.user, deployment, "auth-key-literal").await;
        }
        old
    }

    /// Removes the key from the ConfigMap of a gateway.
    pub async fn remove_key(&self, config_map: &Value) {
        let change = json!({"data": {"config.service.auth": "workloadIdentity"}});
        self.user.patch(config_map, "", &change).await.stored();
    }
}

/// A ConfigMap and the Deployment that takes it, named by a number.
fn numbered(number: usize) -> [Value; 2] {
    let (mut config_map, mut deployment) = (one(ARTICLE, "ConfigMap"), one(ARTICLE, "Deployment"));
    let name = format!("orders-{number}");
    config_map["metadata"]["name"] = json!(name);
    deployment["metadata"]["name"] = json!(name);
    // no Pods, so that the controllers have little to do
    deployment["spec"]["replicas"] = json!(0);
    deployment["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": name}}]);
    [config_map, deployment]
}

/// Waits until a dry run of the object is warned about by this rule.
pub async fn until_warned(user: &User, object: &Value, rule: &str) {
    eventually(rule, || async {
        let warnings = apply_dry(user, object).await.warnings;
        warnings.iter().any(|warning| warning.contains(rule)).then_some(())
    })
    .await;
}

/// A dry run of server-side apply in the user's namespace.
pub async fn apply_dry(user: &User, object: &Value) -> Response {
    let mut object = object.clone();
    object["metadata"]["namespace"] = json!(user.namespace);
    user.apply_dry(&object).await
}
