//! Users who write gateways all the time. Each write shows whether a replica has answered its review.

use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use test_support::control_plane::ControlPlane;
use test_support::webhook::objects::{BARE, OLD_IMAGE, PORTAL, one};
use test_support::webhook::{Response, User, eventually};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The namespace in which gateways are mutated and denied, and the one in which they are warned about.
pub(super) const ENFORCED: &str = "upgrade-enforced";
pub(super) const AUDITED: &str = "upgrade-audited";

/// How many users write at the same time, and how long each waits after its writes.
const WRITERS: usize = 6;
const PAUSE: Duration = Duration::from_millis(50);

/// What became of the writes.
#[derive(Default)]
struct Tally {
    is_over: AtomicBool,
    writes: AtomicUsize,
    lost: Mutex<Vec<String>>,
}

/// Users who are writing.
pub(super) struct Writes {
    tally: Arc<Tally>,
    writing: Vec<JoinHandle<()>>,
}

impl Writes {
    /// Starts writing in both namespaces.
    pub(super) fn start(control_plane: &ControlPlane) -> Self {
        let tally = Arc::new(Tally::default());
        let writer = |_| tokio::spawn(write(Writer::of(control_plane), Arc::clone(&tally)));
        Self { writing: (0..WRITERS).map(writer).collect(), tally }
    }

    /// Waits for this many more writes.
    pub(super) async fn wait_for(&self, more: usize) {
        let enough = self.count() + more;
        while self.count() < enough {
            sleep(PAUSE).await;
        }
    }

    /// How many writes there were.
    pub(super) fn count(&self) -> usize {
        self.tally.writes.load(Ordering::Relaxed)
    }

    /// Fails if the review of a write was lost.
    pub(super) fn assert_none_lost(&self, step: &str) {
        let lost = self.tally.lost.lock().unwrap();
        assert!(lost.is_empty(), "{step}: {} of {} writes without a review: {lost:#?}", lost.len(), self.count());
    }

    /// Stops writing.
    pub(super) async fn stop(self) {
        self.tally.is_over.store(true, Ordering::Relaxed);
        for writer in self.writing {
            writer.await.unwrap();
        }
    }
}

/// Waits until the API server calls every entry.
pub(super) async fn until_reviewed(control_plane: &ControlPlane) {
    let writer = Writer::of(control_plane);
    eventually("reviews of every kind", || async { writer.write().await.iter().all(Result::is_ok).then_some(()) })
        .await;
}

/// A user who writes in both namespaces.
struct Writer {
    enforced: User,
    audited: User,
}

impl Writer {
    fn of(control_plane: &ControlPlane) -> Self {
        let user = |namespace| User::administrator_in(control_plane, namespace);
        Self { enforced: user(ENFORCED), audited: user(AUDITED) }
    }

    /// A write that is mutated, one that is denied and one that is warned about. The error is the response of a write
    /// whose review was lost.
    async fn write(&self) -> [Result<(), String>; 3] {
        [
            reviewed(&self.enforced, BARE, is_mutated).await,
            reviewed(&self.enforced, OLD_IMAGE, is_denied).await,
            reviewed(&self.audited, PORTAL, is_warned_about).await,
        ]
    }
}

async fn reviewed(user: &User, objects: &str, is_reviewed: fn(&Response) -> bool) -> Result<(), String> {
    let response = user.apply_with(&one(objects, "Deployment"), "?dryRun=All").await;
    let text = || format!("{} {:?} {}", response.status, response.warnings, response.body);
    if is_reviewed(&response) { Ok(()) } else { Err(text()) }
}

async fn write(writer: Writer, tally: Arc<Tally>) {
    while !tally.is_over.load(Ordering::Relaxed) {
        let written = writer.write().await;
        tally.writes.fetch_add(written.len(), Ordering::Relaxed);
        tally.lost.lock().unwrap().extend(written.into_iter().filter_map(Result::err));
        sleep(PAUSE).await;
    }
}

/// The API server admits an object that the mutating webhook does not answer, so the object shows it.
fn is_mutated(response: &Response) -> bool {
    let account = response.body.pointer("/spec/template/spec/serviceAccountName").and_then(Value::as_str);
    response.status == 201 && account == Some("apim-gateway-workload-identity")
}

fn is_denied(response: &Response) -> bool {
    let message = response.body["message"].as_str().unwrap_or_default();
    response.status == 403 && message.contains("unsupported-version")
}

/// The API server admits an object that the audit entry does not answer, so the warnings show it.
fn is_warned_about(response: &Response) -> bool {
    response.status == 201 && response.warnings.iter().any(|warning| warning.contains("auth-key-reference"))
}
