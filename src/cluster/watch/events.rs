//! What the API server tells of each kind, as one sort of event.

use super::store::CachedObject;
use crate::cluster::client::{WATCH_SECONDS, describe, within_time};
use crate::gateway::well_known::Keys;
use crate::gateway::{ConfigMap, Kind, ServiceAccount};
use futures::StreamExt;
use futures::stream::{BoxStream, once, unfold};
use k8s_openapi::api::core::v1;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;
use tokio::time::sleep;

/// How many `ConfigMap`s are fetched at once: each may have 1 MiB, and all of a page are in memory together.
const CONFIG_MAPS_A_PAGE: u32 = 50;
/// How often the API server is asked whether it is there.
const CONTACT_INTERVAL: Duration = Duration::from_secs(10);

/// Something that was told.
pub(super) enum WatchEvent {
    /// Everything of a kind is about to be told.
    Begin(Kind),
    /// Everything of a kind was told; from now on changes are.
    End(Kind),
    /// Changes of a kind may be missed from now on, for this reason.
    Failed(Kind, String),
    /// A Namespace, with labels and annotations.
    Namespace(String, Keys, Keys),
    /// A thing, and its namespace.
    CachedObject(String, CachedObject),
    /// Namespace and name of what is gone; of a Namespace itself, the name alone.
    Gone(Kind, String, String),
    /// Does the API server answer?
    Contact(bool),
}

/// What is told, for ever.
pub(super) type EventStream = BoxStream<'static, WatchEvent>;

/// Everything about Namespaces.
pub(super) fn namespaces(client: Client) -> EventStream {
    source(Kind::Namespace, client, Config::default(), |namespace: PartialObjectMeta<v1::Namespace>| {
        WatchEvent::Namespace(namespace.name_any(), namespace.labels().clone(), namespace.annotations().clone())
    })
}

/// Everything about `ServiceAccount`s.
pub(super) fn service_accounts(client: Client) -> EventStream {
    source(Kind::ServiceAccount, client, Config::default(), |account: PartialObjectMeta<v1::ServiceAccount>| {
        let cached = ServiceAccount::abridged(account.name_any(), account.labels(), account.annotations());
        WatchEvent::CachedObject(account.namespace().unwrap_or_default(), CachedObject::ServiceAccount(cached))
    })
}

/// Everything about `ConfigMap`s.
pub(super) fn config_maps(client: Client) -> EventStream {
    let config = Config::default().page_size(CONFIG_MAPS_A_PAGE);
    source(Kind::ConfigMap, client, config, |config_map: v1::ConfigMap| {
        let (name, namespace) = (config_map.name_any(), config_map.namespace().unwrap_or_default());
        let binary_keys = config_map.binary_data.unwrap_or_default().into_keys();
        let cached = ConfigMap::abridged(name, config_map.data.unwrap_or_default(), binary_keys);
        WatchEvent::CachedObject(namespace, CachedObject::ConfigMap(cached))
    })
}

/// Whether the API server answers, again and again. A watch that hears nothing looks the same whether nothing happens or
/// its connection is dead.
pub(super) fn contact(client: Client) -> EventStream {
    unfold(client, |client| async {
        sleep(CONTACT_INTERVAL).await;
        let answer = within_time(client.apiserver_version()).await;
        Some((WatchEvent::Contact(answer.is_ok()), client))
    })
    .boxed()
}

/// The same, `delay` from now.
pub(super) fn after(delay: Duration, source: EventStream) -> EventStream {
    once(async move {
        sleep(delay).await;
        source
    })
    .flatten()
    .boxed()
}

fn source<K>(kind: Kind, client: Client, config: Config, convert: fn(K) -> WatchEvent) -> EventStream
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watcher(Api::<K>::all(client), config.timeout(WATCH_SECONDS));
    events.map(move |event| one(kind, event, convert)).boxed()
}

fn one<K: Resource<DynamicType = ()>>(
    kind: Kind,
    event: watcher::Result<Event<K>>,
    convert: fn(K) -> WatchEvent,
) -> WatchEvent {
    match event {
        Ok(Event::Init) => WatchEvent::Begin(kind),
        Ok(Event::InitApply(object) | Event::Apply(object)) => convert(object),
        Ok(Event::InitDone) => WatchEvent::End(kind),
        Ok(Event::Delete(object)) => WatchEvent::Gone(kind, object.namespace().unwrap_or_default(), object.name_any()),
        Err(error) => WatchEvent::Failed(kind, reason(&error)),
    }
}

fn reason(error: &watcher::Error) -> String {
    use watcher::Error::{InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => describe(error),
        WatchError(status) => format!("the API server says {} {}", status.code, status.reason),
        NoResourceVersion => "an answer of the API server has no resourceVersion".to_owned(),
    }
}
