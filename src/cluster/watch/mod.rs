//! Keeps the cache of cluster objects up to date.

mod budget;
mod events;
mod failure;
mod kind_watch;
mod namespace_cache;
mod overflow;
mod store;

use super::connection::Repetitions;
use super::{CacheStatus, ClusterObserver, Scope};
use apim_keyless_core::gateway::{Kind, Snapshot};
use arc_swap::ArcSwap;
use events::{EventStream, WatchEvent, namespace_list};
use failure::WatchFailure;
use futures::StreamExt;
use futures::stream::pending;
use kind_watch::KindWatch;
use kube::Client;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;
use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The delay before a new attempt if the backoff has none.
const RETRY_DELAY: Duration = Duration::from_secs(30);

/// The kinds that are watched.
const WATCHED_KINDS: [Kind; 3] = [Kind::Namespace, Kind::ConfigMap, Kind::ServiceAccount];

/// Watches Namespaces, and the `ServiceAccount`s and `ConfigMap`s in covered namespaces.
pub struct Watch {
    client: Client,
    store: Store,
    snapshot: Arc<ArcSwap<Snapshot>>,
    namespaces: KindWatch,
    config_maps: KindWatch,
    service_accounts: KindWatch,
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
    /// What was logged of each kind.
    failures: BTreeMap<Kind, Repetitions>,
    observer: Arc<dyn ClusterObserver>,
    /// The state of the cache; `None` until everything was listed.
    status: watch::Sender<Option<CacheStatus>>,
}

/// What a [`Watch`] caches.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    /// Whose objects are cached.
    pub scope: Scope,
    /// About how many bytes they may take. Objects beyond that are not cached and count as unknown.
    pub budget: usize,
    /// How long the API server may send nothing for a kind before what is cached of it counts as unknown.
    pub stale_after: Duration,
}

impl Watch {
    /// A watch that publishes what it caches in `snapshot`. The snapshot contains no namespace until everything was
    /// listed once.
    pub fn new(
        client: Client,
        settings: &CacheSettings,
        snapshot: Arc<ArcSwap<Snapshot>>,
        observer: Arc<dyn ClusterObserver>,
    ) -> Self {
        snapshot.store(Arc::new(Snapshot::Cluster(BTreeMap::new())));
        let watch = |kind| KindWatch::new(kind, client.clone(), settings.stale_after);
        Self {
            store: Store::new(settings.scope, settings.budget),
            observer,
            snapshot,
            namespaces: watch(Kind::Namespace),
            config_maps: watch(Kind::ConfigMap),
            service_accounts: watch(Kind::ServiceAccount),
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
            failures: BTreeMap::new(),
            status: watch::Sender::new(None),
        }
    }

    /// The state of the cache at any time; `None` until everything was listed.
    pub fn status(&self) -> watch::Receiver<Option<CacheStatus>> {
        self.status.subscribe()
    }

    /// Runs forever.
    ///
    /// A failure is tried again, and logged: a repeated one after growing intervals. What was cached before stays, but an object that is not cached counts as
    /// unknown instead of absent. Once nothing was received of a kind for too long, nothing of it stays.
    pub async fn run(mut self) {
        self.namespaces.start(Duration::ZERO);
        loop {
            let timer = self.timer();
            tokio::select! {
                biased;
                Some(event) = self.namespaces.next() => self.handle(event),
                Some(event) = self.config_maps.next() => self.handle(event),
                Some(event) = self.service_accounts.next() => self.handle(event),
                Some(event) = self.namespace_list.next() => self.handle(event),
                // last: publishes only when no further event is waiting
                () = ready(()), if self.has_changed => self.publish(),
                () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => {
                    self.forget_stale();
                    self.start_due_lists();
                }
            }
        }
    }

    /// When something is due without an event.
    fn timer(&self) -> Option<Instant> {
        let lists = self.list_at.into_iter().chain(self.list_overflows_at);
        lists.chain(WATCHED_KINDS.iter().filter_map(|kind| self.stale_at(*kind))).min()
    }

    /// When what is cached of a kind becomes stale. `None` if it is already.
    fn stale_at(&self, kind: Kind) -> Option<Instant> {
        if self.store.is_stale(kind) {
            return None;
        }
        self.watch(kind).stale_at()
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
                self.failures.remove(&kind);
                if kind == Kind::Namespace && !self.is_watching_objects {
                    self.watch_objects();
                }
            }
            WatchEvent::Failed(kind, reason) => self.restart(kind, &reason),
            WatchEvent::Namespace(name, labels, annotations) => self.store.put_namespace(&name, &labels, &annotations),
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
        }
    }

    /// Starts the watch of a kind again with a new list: only a list shows that nothing was missed.
    fn restart(&mut self, kind: Kind, failure: &WatchFailure) {
        self.stop_namespace_list(kind);
        self.store.fail(kind);
        self.observer.watch_failed();
        let delay = self.backoff.next().unwrap_or(RETRY_DELAY);
        if self.is_to_be_logged(kind, failure) {
            tracing::warn!(%kind, reason = failure.reason, seconds = delay.as_secs(), "cannot watch, trying again");
        }
        self.watch_mut(kind).start(delay);
    }

    /// Forgets what is cached of each kind of which nothing was received for too long.
    fn forget_stale(&mut self) {
        let now = Instant::now();
        for kind in WATCHED_KINDS {
            if self.stale_at(kind).is_some_and(|at| at <= now) {
                self.store.forget(kind);
                self.has_changed = true;
                tracing::warn!(%kind, "the cache is stale: what it held of this kind counts as unknown");
                self.restart(kind, &WatchFailure::stale());
            }
        }
    }

    fn watch_objects(&mut self) {
        self.is_watching_objects = true;
        self.config_maps.start(Duration::ZERO);
        self.service_accounts.start(Duration::ZERO);
    }

    fn watch(&self, kind: Kind) -> &KindWatch {
        match kind {
            Kind::ConfigMap => &self.config_maps,
            Kind::ServiceAccount => &self.service_accounts,
            _ => &self.namespaces,
        }
    }

    fn watch_mut(&mut self, kind: Kind) -> &mut KindWatch {
        match kind {
            Kind::ConfigMap => &mut self.config_maps,
            Kind::ServiceAccount => &mut self.service_accounts,
            _ => &mut self.namespaces,
        }
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
    fn list_later(&mut self, kind: Kind, namespace: &str, failure: &WatchFailure) {
        self.store.fail_namespace_list(kind, namespace);
        self.stop_namespace_list(kind);
        self.observer.watch_failed();
        let delay = self.list_backoff.next().unwrap_or(RETRY_DELAY);
        self.list_not_before = Instant::now() + delay;
        if self.is_to_be_logged(kind, failure) {
            let (reason, seconds) = (&failure.reason, delay.as_secs());
            tracing::warn!(%kind, namespace, reason, seconds, "cannot list a namespace, trying again");
        }
    }

    /// Whether a failure is in no log yet, or was logged long ago.
    fn is_to_be_logged(&mut self, kind: Kind, failure: &WatchFailure) -> bool {
        !failure.is_unreachable && self.failures.entry(kind).or_default().is_due(&failure.reason)
    }

    fn publish(&mut self) {
        self.has_changed = false;
        if !self.store.is_complete() {
            return;
        }
        self.snapshot.store(Arc::new(self.store.snapshot()));
        if self.status.borrow().is_none() {
            tracing::info!("the cache is complete");
        }
        self.schedule_lists();
        let cache_status = self.store.cache_status();
        self.observer.cache_changed(&cache_status);
        if self.fits && !cache_status.fits {
            tracing::warn!(
                "the cache is full (--cache-mib): the namespace that holds the most loses objects first, which then count \
                 as unknown"
            );
        }
        if cache_status.fits {
            self.overflow_backoff.reset();
        }
        self.fits = cache_status.fits;
        self.status.send_replace(Some(cache_status));
    }
}
