//! Clients that write gateways through the API server all the time.

use crate::replicas::Killed;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use test_support::webhook::measure::reduced;
use test_support::webhook::objects::{BARE, OLD_IMAGE, one};
use test_support::webhook::{User, Webhook};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How many write at the same time.
const WRITERS: usize = 20;
/// How many reviews they cause per second if the API server is fast enough. A write causes one review at each webhook.
const RATE: usize = 200;
/// The reviews of a writer's turn: one write that is mutated and one that is denied.
const REVIEWS: usize = 4;

/// Writers that are running.
pub(crate) struct Writers {
    tally: Arc<Tally>,
    writing: Vec<JoinHandle<()>>,
}

/// The results of the writes.
#[derive(Default)]
struct Tally {
    is_over: AtomicBool,
    turns: AtomicUsize,
    failures: Mutex<Vec<Failure>>,
}

struct Failure {
    start: Instant,
    end: Instant,
    response: Value,
}

impl Writers {
    pub(crate) async fn start(webhook: &Webhook) -> Self {
        let user = Arc::new(webhook.user("written", Some("enforce")).await);
        let tally = Arc::new(Tally::default());
        let writing = (0..reduced(WRITERS)).map(|_| tokio::spawn(write(user.clone(), tally.clone()))).collect();
        Self { tally, writing }
    }

    /// How many reviews they caused.
    pub(crate) fn reviews(&self) -> usize {
        self.tally.turns.load(Ordering::Relaxed) * REVIEWS
    }

    /// Checks that no write failed, except those in flight when a replica was killed. Returns the number of these.
    pub(crate) fn assert_nothing_failed(&self, killed: &[Killed]) -> usize {
        let failures = self.tally.failures.lock().unwrap();
        let is_lost =
            |failure: &Failure| killed.iter().any(|at| failure.start <= *at.end() && *at.start() <= failure.end);
        let others: Vec<&Value> =
            failures.iter().filter(|failure| !is_lost(failure)).map(|failure| &failure.response).collect();
        assert!(others.is_empty(), "{others:#?}");
        failures.len()
    }

    /// Stops the writers. Returns how many reviews they caused.
    pub(crate) async fn stop(self) -> usize {
        self.tally.is_over.store(true, Ordering::Relaxed);
        let reviews = self.reviews();
        for writer in self.writing {
            writer.await.unwrap();
        }
        reviews
    }
}

async fn write(user: Arc<User>, tally: Arc<Tally>) {
    let mut turn = interval(Duration::from_millis((1000 * WRITERS * REVIEWS / RATE) as u64));
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !tally.is_over.load(Ordering::Relaxed) {
        turn.tick().await;
        tally.record(Instant::now(), check_mutated(&user).await);
        tally.record(Instant::now(), check_denied(&user).await);
        tally.turns.fetch_add(1, Ordering::Relaxed);
    }
}

async fn check_mutated(user: &User) -> Result<(), Value> {
    let response = user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await;
    let account = response.body.pointer("/spec/template/spec/serviceAccountName").and_then(Value::as_str);
    // the API server skips a failing mutating webhook, so the stored object must be checked
    if account == Some("apim-gateway-workload-identity") { Ok(()) } else { Err(response.body) }
}

async fn check_denied(user: &User) -> Result<(), Value> {
    let response = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
    if response.status == 403 { Ok(()) } else { Err(response.body) }
}

impl Tally {
    fn record(&self, start: Instant, outcome: Result<(), Value>) {
        if let Err(response) = outcome {
            self.failures.lock().unwrap().push(Failure { start, end: Instant::now(), response });
        }
    }
}
