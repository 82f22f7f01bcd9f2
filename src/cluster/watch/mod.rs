//! Keeps the cache of cluster objects up to date.

mod events;
mod namespace_cache;
mod store;

use super::{ClusterObserver, Scope};
use apim_keyless_core::gateway::{Kind, Snapshot};
use arc_swap::ArcSwap;
use events::{
    EventStream, WatchEvent, after, config_maps, connection_checks, namespace_list, namespaces, service_accounts,
};
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

/// The delay before a new attempt if the backoff has none.
const RETRY_DELAY: Duration = Duration::from_secs(30);

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
    /// The list of one namespace that opted in, or of which an object did not fit into the cache. There is one at a
    /// time, beside the watches of whole kinds: they never start again for a namespace.
    namespace_list: EventStream,
    /// What it lists.
    listing: Option<(Kind, String)>,
    /// The namespace that was listed last.
    last_listed: String,
    list_backoff: DefaultBackoff,
    /// When the next namespace is listed.
    list_at: Option<Instant>,
    /// A list of a namespace does not start before.
    list_not_before: Instant,
    overflow_backoff: DefaultBackoff,
    /// When the namespaces are listed again of which an object did not fit into the cache.
    list_overflows_at: Option<Instant>,
    is_watching_objects: bool,
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
            namespace_list: pending().boxed(),
            listing: None,
            last_listed: String::new(),
            list_backoff: DefaultBackoff::default(),
            list_at: None,
            list_not_before: Instant::now(),
            overflow_backoff: DefaultBackoff::default(),
            list_overflows_at: None,
            is_watching_objects: false,
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
            let timer = self.list_at.into_iter().chain(self.list_overflows_at).min();
            tokio::select! {
                biased;
                Some(event) = self.namespaces.next() => self.handle(event),
                Some(event) = self.config_maps.next() => self.handle(event),
                Some(event) = self.service_accounts.next() => self.handle(event),
                Some(event) = self.connection_checks.next() => self.handle(event),
                Some(event) = self.namespace_list.next() => self.handle(event),
                // last: publishes only when no further event is waiting
                () = ready(()), if self.has_changed => self.publish(),
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.start_due_lists(),
            }
        }
    }

    fn handle(&mut self, event: WatchEvent) {
        self.has_changed = true;
        match event {
            WatchEvent::ListStarted(kind) => {
                self.stop_namespace_list(kind);
                self.store.start_list(kind);
            }
            WatchEvent::ListCompleted(kind) => {
                self.store.complete_list(kind);
                self.backoff.reset();
                if kind == Kind::Namespace && !self.is_watching_objects {
                    self.watch_objects();
                }
            }
            WatchEvent::Failed(kind, reason) => self.restart(kind, &reason),
            WatchEvent::Namespace(name, labels, annotations) => self.store.put_namespace(name, &labels, &annotations),
            WatchEvent::Object(namespace, object) => self.store.put(&namespace, object),
            WatchEvent::Listed(namespace, object) => self.store.put_listed(&namespace, object),
            WatchEvent::NamespaceListCompleted(kind, namespace) => {
                self.store.complete_namespace_list(kind, &namespace);
                self.list_backoff.reset();
                self.stop_namespace_list(kind);
            }
            WatchEvent::NamespaceListFailed(kind, namespace, reason) => self.list_later(kind, &namespace, &reason),
            WatchEvent::Deleted(Kind::Namespace, _, name) => self.store.remove_namespace(&name),
            WatchEvent::Deleted(kind, namespace, name) => self.store.remove(kind, &namespace, &name),
            WatchEvent::ApiServerReachable(is_reachable) => self.store.set_api_server_reachable(is_reachable),
        }
    }

    /// Starts the watch of a kind again with a new list: only a list shows that nothing was missed.
    fn restart(&mut self, kind: Kind, reason: &str) {
        self.stop_namespace_list(kind);
        self.store.fail(kind);
        self.observer.watch_failed();
        let delay = self.backoff.next().unwrap_or(RETRY_DELAY);
        tracing::warn!(%kind, reason, seconds = delay.as_secs(), "cannot watch, trying again");
        let client = self.client.clone();
        match kind {
            Kind::ConfigMap => self.config_maps = after(delay, config_maps(client)),
            Kind::ServiceAccount => self.service_accounts = after(delay, service_accounts(client)),
            _ => self.namespaces = after(delay, namespaces(client)),
        }
    }

    fn watch_objects(&mut self) {
        self.is_watching_objects = true;
        self.config_maps = config_maps(self.client.clone());
        self.service_accounts = service_accounts(self.client.clone());
    }

    /// Decides when the next list of a namespace starts. A list after an overflow waits longer each time that the cache
    /// is still too small.
    fn schedule_lists(&mut self) {
        if self.list_overflows_at.is_none() && self.store.may_fit_again() {
            self.list_overflows_at = Some(Instant::now() + self.overflow_backoff.next().unwrap_or(RETRY_DELAY));
        }
        if self.list_at.is_none() && self.listing.is_none() && self.store.next_list(&self.last_listed).is_some() {
            self.list_at = Some(self.list_not_before);
        }
    }

    fn start_due_lists(&mut self) {
        let now = Instant::now();
        if self.list_overflows_at.take_if(|at| *at <= now).is_some() {
            self.store.list_overflows_again();
            self.has_changed = true;
        }
        if self.list_at.take_if(|at| *at <= now).is_some()
            && self.listing.is_none()
            && let Some((kind, namespace)) = self.store.next_list(&self.last_listed)
        {
            self.store.start_namespace_list(kind, &namespace);
            self.namespace_list = namespace_list(kind, namespace.clone(), self.client.clone());
            self.last_listed.clone_from(&namespace);
            self.listing = Some((kind, namespace));
        }
    }

    /// Stops the list of a namespace if it lists `kind`.
    fn stop_namespace_list(&mut self, kind: Kind) {
        if self.listing.take_if(|(listed, _)| *listed == kind).is_some() {
            self.namespace_list = pending().boxed();
        }
    }

    /// The list of a namespace failed: it is due again after a delay.
    fn list_later(&mut self, kind: Kind, namespace: &str, reason: &str) {
        self.store.fail_namespace_list(kind, namespace);
        self.stop_namespace_list(kind);
        self.observer.watch_failed();
        let delay = self.list_backoff.next().unwrap_or(RETRY_DELAY);
        self.list_not_before = Instant::now() + delay;
        tracing::warn!(%kind, namespace, reason, seconds = delay.as_secs(), "cannot list a namespace, trying again");
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
        self.schedule_lists();
        let cache_status = self.store.cache_status();
        self.observer.cache_changed(&cache_status);
        if self.fits && !cache_status.fits {
            tracing::warn!(
                "the cache for ServiceAccounts and ConfigMaps is full (--cache-mib): objects beyond it count as unknown"
            );
        }
        if cache_status.fits {
            self.overflow_backoff.reset();
        }
        self.fits = cache_status.fits;
    }
}
