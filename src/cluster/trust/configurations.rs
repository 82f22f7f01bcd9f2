//! The webhook configurations: of each entry its caBundle, and nothing else.

use crate::cluster::client::{is_conflict, within_time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use futures::stream::{BoxStream, select_all};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::{Value, json};

/// Who owns the caBundles, for server-side apply.
const FIELD_MANAGER: &str = "apim-keyless";

/// Both webhook configurations of one name.
pub(super) struct Configurations {
    client: Client,
    name: String,
}

/// One of them, as it was read.
pub(super) struct Configuration {
    resource: ApiResource,
    version: String,
    entries: Vec<WebhookEntry>,
}

struct WebhookEntry {
    name: String,
    bundle: String,
}

impl Configuration {
    /// The caBundle of each entry as text; empty if it has none, or one that is no text.
    pub(super) fn bundles(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|webhook_entry| webhook_entry.bundle.as_str())
    }
}

impl Configurations {
    pub(super) fn new(client: &Client, name: &str) -> Self {
        Self { client: client.clone(), name: name.to_owned() }
    }

    /// That something happened to one of them. What happened is read.
    pub(super) fn changes(&self) -> BoxStream<'static, ()> {
        let mutating = Api::<PartialObjectMeta<MutatingWebhookConfiguration>>::all(self.client.clone());
        let validating = Api::<PartialObjectMeta<ValidatingWebhookConfiguration>>::all(self.client.clone());
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
        select_all([
            watcher(mutating, config.clone()).default_backoff().map(drop).boxed(),
            watcher(validating, config).default_backoff().map(drop).boxed(),
        ])
        .boxed()
    }

    /// Those that are there.
    pub(super) async fn read(&self) -> kube::Result<Vec<Configuration>> {
        let mut configurations = Vec::new();
        for resource in resources() {
            let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
            if let Some(object) = within_time(api.get_opt(&self.name)).await? {
                let entries = object
                    .data
                    .get("webhooks")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(webhook_entry);
                let (entries, version) = (entries.collect(), object.metadata.resource_version.unwrap_or_default());
                configurations.push(Configuration { resource, version, entries });
            }
        }
        Ok(configurations)
    }

    /// Writes the caBundles of all entries over what was read, and no other field; `false` if somebody else wrote in
    /// between.
    pub(super) async fn write(&self, configuration: &Configuration, bundles: &[String]) -> kube::Result<bool> {
        let Configuration { resource, version, entries } = configuration;
        let webhooks = entries
            .iter()
            .zip(bundles)
            .map(|(webhook_entry, bundle)| json!({"name": webhook_entry.name, "clientConfig": {"caBundle": STANDARD.encode(bundle)}}));
        let patch = json!({
            "apiVersion": resource.api_version, "kind": resource.kind,
            "metadata": {"name": self.name, "resourceVersion": version},
            "webhooks": webhooks.collect::<Vec<_>>(),
        });
        let api = Api::<DynamicObject>::all_with(self.client.clone(), resource);
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        match within_time(api.patch(&self.name, &parameters, &Patch::Apply(&patch))).await {
            Ok(_) => {
                tracing::info!(kind = resource.kind, name = self.name, "wrote the caBundles");
                Ok(true)
            }
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn resources() -> [ApiResource; 2] {
    [ApiResource::erase::<MutatingWebhookConfiguration>(&()), ApiResource::erase::<ValidatingWebhookConfiguration>(&())]
}

fn webhook_entry(webhook: &Value) -> Option<WebhookEntry> {
    let text = |pointer: &str| webhook.pointer(pointer).and_then(Value::as_str);
    let bundle = text("/clientConfig/caBundle").and_then(|bundle| STANDARD.decode(bundle).ok());
    let bundle = bundle.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    Some(WebhookEntry { name: text("/name")?.to_owned(), bundle })
}
