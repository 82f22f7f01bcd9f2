//! Reads and writes the caBundles of the webhook configurations, and no other field.

use crate::cluster::client::{is_conflict, with_timeout};
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

/// The field manager that owns the caBundles, for server-side apply.
const FIELD_MANAGER: &str = "apim-keyless";

/// The mutating and the validating webhook configuration, which have the same name.
pub(super) struct Configurations {
    client: Client,
    name: String,
}

/// A webhook configuration as it was read.
pub(super) struct Configuration {
    resource: ApiResource,
    version: String,
    entries: Vec<CaBundleEntry>,
}

/// The name and the caBundle of a webhook entry.
struct CaBundleEntry {
    name: String,
    ca_bundle: String,
}

impl Configuration {
    /// The caBundle of each webhook entry as text; empty if it is missing, not base64 or not UTF-8.
    pub(super) fn ca_bundles(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.ca_bundle.as_str())
    }
}

impl Configurations {
    pub(super) fn new(client: &Client, name: &str) -> Self {
        Self { client: client.clone(), name: name.to_owned() }
    }

    /// Yields an item whenever one of them changed. Read them to see how.
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

    /// Reads the configurations that exist.
    pub(super) async fn read(&self) -> kube::Result<Vec<Configuration>> {
        let mut configurations = Vec::new();
        for resource in resources() {
            let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
            if let Some(object) = with_timeout(api.get_opt(&self.name)).await? {
                let entries = object
                    .data
                    .get("webhooks")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(ca_bundle_entry);
                let (entries, version) = (entries.collect(), object.metadata.resource_version.unwrap_or_default());
                configurations.push(Configuration { resource, version, entries });
            }
        }
        Ok(configurations)
    }

    /// Writes the caBundle of every webhook entry and no other field. Returns `false`, and writes nothing, if another
    /// client changed the configuration since it was read.
    pub(super) async fn write(&self, configuration: &Configuration, ca_bundles: &[String]) -> kube::Result<bool> {
        let Configuration { resource, version, entries } = configuration;
        let webhooks = entries.iter().zip(ca_bundles).map(
            |(entry, ca_bundle)| json!({"name": entry.name, "clientConfig": {"caBundle": STANDARD.encode(ca_bundle)}}),
        );
        let patch = json!({
            "apiVersion": resource.api_version, "kind": resource.kind,
            "metadata": {"name": self.name, "resourceVersion": version},
            "webhooks": webhooks.collect::<Vec<_>>(),
        });
        let api = Api::<DynamicObject>::all_with(self.client.clone(), resource);
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        match with_timeout(api.patch(&self.name, &parameters, &Patch::Apply(&patch))).await {
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

fn ca_bundle_entry(webhook: &Value) -> Option<CaBundleEntry> {
    let text = |pointer: &str| webhook.pointer(pointer).and_then(Value::as_str);
    let bytes = text("/clientConfig/caBundle").and_then(|base64| STANDARD.decode(base64).ok());
    let ca_bundle = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    Some(CaBundleEntry { name: text("/name")?.to_owned(), ca_bundle })
}
