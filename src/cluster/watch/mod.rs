//! Keeps the cache of cluster objects up to date.

mod events;
mod store;

use super::{ClusterObserver, Scope};
use apim_keyless_core::gateway::{Kind, Snapshot};
use arc_swap::ArcSwap;
use events::{EventStream, WatchEvent, after, config_maps, connection_checks, namespaces, service_accounts};
use futures::StreamExt;
use futures::stream::pending;
use kube::Client;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;
use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// How long a namespace that opted in waits before its objects are listed, so that several of them share one list.
const LIST_DELAY: Duration = Duration::from_secs(1);

/// Watches Namespaces, and the `ServiceAccount`s and `ConfigMap`s in covered namespaces.
pub struct Watch {
    client: Client,
    store: Store,
    snapshot: Arc<ArcSwap<Snapshot>>,
    namespaces: EventStream,
    config_maps: EventStream,
    service_accounts: EventStream,
    connection_checks: EventStream,
    backoff: DefaultBackoff,
    /// When the objects of namespaces that opted in are listed.
    list_at: Option<Instant>,
    has_changed: bool,
    fits: bool,
    observer: Arc<dyn ClusterObserver>,
    /// Sends a message once everything was listed.
    ready_sender: Option<oneshot::Sender<()>>,
}

impl Watch {
    /// A watch that publishes what it caches of `scope` in `snapshot`. The cache takes about `budget` bytes at most;
    /// objects beyond that are not cached and count as unknown. The snapshot contains no namespace until everything was
    /// listed once.
    pub fn new(
        client: Client,
        scope: Scope,
        budget: usize,
        snapshot: Arc<ArcSwap<Snapshot>>,
        observer: Arc<dyn ClusterObserver>,
    ) -> Self {
        snapshot.store(Arc::new(Snapshot::Cluster(BTreeMap::new())));
        Self {
            store: Store::new(scope, budget),
            observer,
            snapshot,
            namespaces: namespaces(client.clone()),
            config_maps: pending().boxed(),
            service_accounts: pending().boxed(),
            connection_checks: connection_checks(client.clone()),
            client,
            backoff: DefaultBackoff::default(),
            list_at: None,
            has_changed: false,
            fits: true,
            ready_sender: None,
        }
    }

    /// Runs forever. Sends a message to `ready_sender` once everything was listed.
    ///
    /// A failure is logged and tried again. What was cached before stays, but an object that is not cached counts as
    /// unknown instead of absent.
    pub async fn run(mut self, ready_sender: oneshot::Sender<()>) {
        self.ready_sender = Some(ready_sender);
        loop {
            let list_at = self.list_at;
            tokio::select! {
                biased;
                Some(event) = self.namespaces.next() => self.handle(event),
                Some(event) = self.config_maps.next() => self.handle(event),
                Some(event) = self.service_accounts.next() => self.handle(event),
                Some(event) = self.connection_checks.next() => self.handle(event),
                // last: publishes only when no further event is waiting
                () = ready(()), if self.has_changed => self.publish(),
                () = sleep_until(list_at.unwrap_or_else(Instant::now)), if list_at.is_some() => self.list_objects(),
            }
        }
    }

    fn handle(&mut self, event: WatchEvent) {
        self.has_changed = true;
        match event {
            WatchEvent::ListStarted(kind) => self.store.start_list(kind),
            WatchEvent::ListCompleted(kind) => {
                self.store.complete_list(kind);
                self.backoff.reset();
                if kind == Kind::Namespace && !self.store.is_complete() {
                    self.list_objects();
                }
            }
            WatchEvent::Failed(kind, reason) => self.restart(kind, &reason),
            WatchEvent::Namespace(name, labels, annotations) => self.store.put_namespace(name, &labels, &annotations),
            WatchEvent::Object(namespace, object) => self.store.put(&namespace, object),
            WatchEvent::Deleted(Kind::Namespace, _, name) => self.store.remove_namespace(&name),
            WatchEvent::Deleted(kind, namespace, name) => self.store.remove(kind, &namespace, &name),
            WatchEvent::ApiServerReachable(is_reachable) => self.store.set_api_server_reachable(is_reachable),
        }
    }

    /// Starts the watch of a kind again with a new list: only a list shows that nothing was missed.
    fn restart(&mut self, kind: Kind, reason: &str) {
        self.store.fail(kind);
        self.observer.watch_failed();
        let delay = self.backoff.next().unwrap_or(LIST_DELAY);
        tracing::warn!(%kind, reason, seconds = delay.as_secs(), "cannot watch, trying again");
        let client = self.client.clone();
        match kind {
            Kind::ConfigMap => self.config_maps = after(delay, config_maps(client)),
            Kind::ServiceAccount => self.service_accounts = after(delay, service_accounts(client)),
            _ => self.namespaces = after(delay, namespaces(client)),
        }
    }

    fn list_objects(&mut self) {
        self.list_at = None;
        self.config_maps = config_maps(self.client.clone());
        self.service_accounts = service_accounts(self.client.clone());
    }

    fn publish(&mut self) {
        self.has_changed = false;
        if !self.store.is_complete() {
            return;
        }
        self.snapshot.store(Arc::new(self.store.snapshot()));
        if let Some(ready_sender) = self.ready_sender.take() {
            tracing::info!("the cache is complete");
            // fails if nobody waits any more, which is no error
            _ = ready_sender.send(());
        }
        if self.store.needs_list() && self.list_at.is_none() {
            self.list_at = Some(Instant::now() + LIST_DELAY);
        }
        let cache_status = self.store.cache_status();
        self.observer.cache_changed(&cache_status);
        if self.fits && !cache_status.fits {
            tracing::warn!(
                "the cache for ServiceAccounts and ConfigMaps is full (--cache-mib): objects beyond it count as unknown"
            );
        }
        self.fits = cache_status.fits;
    }
}
