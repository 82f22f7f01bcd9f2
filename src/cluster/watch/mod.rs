//! Keeps what was seen of a cluster up to date, for as long as the process lives.

mod events;
mod store;

use super::{ClusterObserver, Scope};
use crate::gateway::{Kind, Snapshot};
use arc_swap::ArcSwap;
use events::{EventStream, WatchEvent, after, config_maps, contact, namespaces, service_accounts};
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

/// How long a namespace that opted in waits for the listing that covers it, so that many of them share one.
const LISTING_DELAY: Duration = Duration::from_secs(1);

/// Watches Namespaces, and the `ServiceAccount`s and `ConfigMap`s of those that are looked at.
pub struct Watch {
    client: Client,
    store: Store,
    snapshot: Arc<ArcSwap<Snapshot>>,
    namespaces: EventStream,
    config_maps: EventStream,
    service_accounts: EventStream,
    contact: EventStream,
    backoff: DefaultBackoff,
    /// When the things of namespaces that opted in lately are listed.
    listing_at: Option<Instant>,
    has_changed: bool,
    has_room: bool,
    observer: Arc<dyn ClusterObserver>,
    /// Whom to tell that everything was seen once.
    seen: Option<oneshot::Sender<()>>,
}

impl Watch {
    /// A watch that puts what it sees of `scope` into `snapshot`, up to about `budget` bytes; what finds no room is
    /// unseen. Until everything was seen once the snapshot has no namespace.
    pub fn new(
        client: Client,
        (scope, budget): (Scope, usize),
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
            contact: contact(client.clone()),
            client,
            backoff: DefaultBackoff::default(),
            listing_at: None,
            has_changed: false,
            has_room: true,
            seen: None,
        }
    }

    /// Watches for ever, and tells `seen` once everything was seen.
    ///
    /// A failure is logged and tried again. What was seen before stays, but nothing follows any more from what is not there.
    pub async fn run(mut self, seen: oneshot::Sender<()>) {
        self.seen = Some(seen);
        loop {
            let listing_at = self.listing_at;
            tokio::select! {
                biased;
                Some(told) = self.namespaces.next() => self.take(told),
                Some(told) = self.config_maps.next() => self.take(told),
                Some(told) = self.service_accounts.next() => self.take(told),
                Some(told) = self.contact.next() => self.take(told),
                // only once nothing more is there to be taken
                () = ready(()), if self.has_changed => self.publish(),
                () = sleep_until(listing_at.unwrap_or_else(Instant::now)), if listing_at.is_some() => self.list_things(),
            }
        }
    }

    fn take(&mut self, told: WatchEvent) {
        self.has_changed = true;
        match told {
            WatchEvent::Begin(kind) => self.store.begin(kind),
            WatchEvent::End(kind) => {
                self.store.end(kind);
                self.backoff.reset();
                if kind == Kind::Namespace && !self.store.is_complete() {
                    self.list_things();
                }
            }
            WatchEvent::Failed(kind, reason) => self.start_again(kind, &reason),
            WatchEvent::Namespace(name, labels, annotations) => self.store.put_namespace(name, &labels, &annotations),
            WatchEvent::CachedObject(namespace, cached) => self.store.put(&namespace, cached),
            WatchEvent::Gone(Kind::Namespace, _, name) => self.store.remove_namespace(&name),
            WatchEvent::Gone(kind, namespace, name) => self.store.remove(kind, &namespace, &name),
            WatchEvent::Contact(is_there) => self.store.set_contact(is_there),
        }
    }

    /// From the beginning: that alone shows that nothing was missed.
    fn start_again(&mut self, kind: Kind, reason: &str) {
        self.store.fail(kind);
        self.observer.lost_sight();
        let delay = self.backoff.next().unwrap_or(LISTING_DELAY);
        tracing::warn!(%kind, reason, seconds = delay.as_secs(), "cannot watch, trying again");
        let client = self.client.clone();
        match kind {
            Kind::ConfigMap => self.config_maps = after(delay, config_maps(client)),
            Kind::ServiceAccount => self.service_accounts = after(delay, service_accounts(client)),
            _ => self.namespaces = after(delay, namespaces(client)),
        }
    }

    fn list_things(&mut self) {
        self.listing_at = None;
        self.config_maps = config_maps(self.client.clone());
        self.service_accounts = service_accounts(self.client.clone());
    }

    fn publish(&mut self) {
        self.has_changed = false;
        if !self.store.is_complete() {
            return;
        }
        self.snapshot.store(Arc::new(self.store.snapshot()));
        if let Some(seen) = self.seen.take() {
            tracing::info!("everything in the cluster was seen");
            // whoever waited may be gone
            _ = seen.send(());
        }
        if self.store.needs_listing() && self.listing_at.is_none() {
            self.listing_at = Some(Instant::now() + LISTING_DELAY);
        }
        let cache_status = self.store.cache_status();
        self.observer.saw(&cache_status);
        if self.has_room && !cache_status.has_room {
            tracing::warn!("the room for ServiceAccounts and ConfigMaps is full; what found none is unseen");
        }
        self.has_room = cache_status.has_room;
    }
}
