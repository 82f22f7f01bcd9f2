//! Turns each watch into a stream of events.

use super::failure::WatchFailure;
use super::namespace_cache::CachedObject;
use apim_keyless_core::gateway::well_known::StringMap;
use apim_keyless_core::gateway::{ConfigMap, Kind, ServiceAccount};
use futures::StreamExt;
use futures::stream::{BoxStream, iter, once, pending, unfold};
use k8s_openapi::api::core::v1;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;
use tokio::time::sleep;

/// The page size for `ConfigMap`s: each can have 1 MiB, and a whole page is in memory at once.
const CONFIG_MAP_PAGE_SIZE: u32 = 50;

/// An event of a watch, or of the list of a namespace.
pub(super) enum WatchEvent {
    /// A list of this kind starts.
    ListStarted(Kind),
    /// The list of this kind is complete. From now on changes follow.
    ListCompleted(Kind),
    /// The watch of this kind failed for this reason. Changes may be missed from now on.
    Failed(Kind, WatchFailure),
    /// A Namespace was listed, created or changed: name, labels and annotations.
    Namespace(String, StringMap, StringMap),
    /// An object was listed, created or changed: its namespace and what the cache keeps of it.
    Object(String, CachedObject),
    /// An object arrived in the list of its namespace.
    Listed(String, CachedObject),
    /// The list of this kind in this namespace is complete.
    NamespaceListCompleted(Kind, String),
    /// The list of this kind in this namespace failed for this reason.
    NamespaceListFailed(Kind, String, WatchFailure),
    /// An object was deleted: its kind, namespace and name. The namespace of a Namespace is empty.
    Deleted(Kind, String, String),
}

/// An endless stream of events.
pub(super) type EventStream = BoxStream<'static, WatchEvent>;

/// Lists a kind and watches it. The API server ends each watch after `seconds`; then it is started again.
pub(super) fn watch_kind(kind: Kind, client: Client, seconds: u32) -> EventStream {
    let config = Config::default().timeout(seconds);
    match kind {
        Kind::ConfigMap => watch(kind, client, config.page_size(CONFIG_MAP_PAGE_SIZE), |read| {
            let (namespace, object) = config_map(read);
            WatchEvent::Object(namespace, object)
        }),
        Kind::ServiceAccount => watch(kind, client, config, |read| {
            let (namespace, object) = service_account(read);
            WatchEvent::Object(namespace, object)
        }),
        _ => watch(kind, client, config, |read: PartialObjectMeta<v1::Namespace>| {
            WatchEvent::Namespace(read.name_any(), read.labels().clone(), read.annotations().clone())
        }),
    }
}

/// The namespace of a `ServiceAccount`, and what the cache keeps of it.
fn service_account(account: PartialObjectMeta<v1::ServiceAccount>) -> (String, CachedObject) {
    let name = account.name_any();
    let PartialObjectMeta { metadata, .. } = account;
    let (labels, annotations) = (metadata.labels.unwrap_or_default(), metadata.annotations.unwrap_or_default());
    let object = ServiceAccount::for_cache(name, &labels, &annotations);
    (metadata.namespace.unwrap_or_default(), CachedObject::ServiceAccount(object))
}

/// The namespace of a `ConfigMap`, and what the cache keeps of it.
fn config_map(config_map: v1::ConfigMap) -> (String, CachedObject) {
    let (name, namespace) = (config_map.name_any(), config_map.namespace().unwrap_or_default());
    let binary_keys = config_map.binary_data.unwrap_or_default().into_keys();
    let object = ConfigMap::for_cache(name, config_map.data.unwrap_or_default(), binary_keys);
    (namespace, CachedObject::ConfigMap(object))
}

/// Lists the objects of a kind in one namespace, page by page. The last event is that the list is complete or failed.
pub(super) fn namespace_list(kind: Kind, namespace: String, client: Client) -> EventStream {
    match kind {
        Kind::ConfigMap => pages(kind, Api::namespaced(client, &namespace), namespace, config_map),
        _ => pages(kind, Api::namespaced(client, &namespace), namespace, service_account),
    }
}

fn pages<K>(kind: Kind, api: Api<K>, namespace: String, convert: fn(K) -> (String, CachedObject)) -> EventStream
where
    K: Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let first_page = Some(String::new());
    let pages = unfold(first_page, move |token| {
        let (api, namespace) = (api.clone(), namespace.clone());
        async move {
            let (events, next) = page(kind, &api, namespace, token?, convert).await;
            Some((iter(events), next))
        }
    });
    pages.flatten().chain(pending()).boxed()
}

/// The events of the page with this `continue` token, and the token of the next page.
async fn page<K: Clone + DeserializeOwned + Debug>(
    kind: Kind,
    api: &Api<K>,
    namespace: String,
    token: String,
    convert: fn(K) -> (String, CachedObject),
) -> (Vec<WatchEvent>, Option<String>) {
    let continue_token = Some(token).filter(|token| !token.is_empty());
    let params = ListParams { limit: Some(CONFIG_MAP_PAGE_SIZE), continue_token, ..ListParams::default() };
    let list = match api.list(&params).await {
        Ok(list) => list,
        Err(error) => {
            return (vec![WatchEvent::NamespaceListFailed(kind, namespace, WatchFailure::of_call(&error))], None);
        }
    };
    let next = list.metadata.continue_.filter(|token| !token.is_empty());
    let listed = list.items.into_iter().map(convert).map(|(namespace, object)| WatchEvent::Listed(namespace, object));
    let completed = next.is_none().then_some(WatchEvent::NamespaceListCompleted(kind, namespace));
    (listed.chain(completed).collect(), next)
}

/// `events`, started after `delay`.
pub(super) fn after(delay: Duration, events: EventStream) -> EventStream {
    once(async move {
        sleep(delay).await;
        events
    })
    .flatten()
    .boxed()
}

fn watch<K>(kind: Kind, client: Client, config: Config, convert: fn(K) -> WatchEvent) -> EventStream
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watcher(Api::<K>::all(client), config);
    events.map(move |event| watch_event(kind, event, convert)).boxed()
}

fn watch_event<K: Resource<DynamicType = ()>>(
    kind: Kind,
    event: watcher::Result<Event<K>>,
    convert: fn(K) -> WatchEvent,
) -> WatchEvent {
    match event {
        Ok(Event::Init) => WatchEvent::ListStarted(kind),
        Ok(Event::InitApply(object) | Event::Apply(object)) => convert(object),
        Ok(Event::InitDone) => WatchEvent::ListCompleted(kind),
        Ok(Event::Delete(object)) => {
            WatchEvent::Deleted(kind, object.namespace().unwrap_or_default(), object.name_any())
        }
        Err(error) => WatchEvent::Failed(kind, WatchFailure::of_watch(&error)),
    }
}
