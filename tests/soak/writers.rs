//! Whoever writes gateways all the time, through the API server.

use crate::replicas::Killed;
use crate::webhook::measure::share;
use crate::webhook::objects::{BARE, OLD_IMAGE, one};
use crate::webhook::{User, Webhook};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How many write at the same time.
const WRITERS: usize = 20;
/// How many reviews they cause in a second, if the API server is as fast; a write that is mended or refused is one at
/// each door.
const RATE: usize = 200;
/// The reviews of a writer's turn: one write that is mended, one that is refused.
const REVIEWS: usize = 4;

/// Writers at work.
pub(crate) struct Writers {
    tally: Arc<Tally>,
    writing: Vec<JoinHandle<()>>,
}

/// What became of the writes.
#[derive(Default)]
struct Tally {
    is_over: AtomicBool,
    turns: AtomicUsize,
    failures: Mutex<Vec<Failure>>,
}

struct Failure {
    begun: Instant,
    ended: Instant,
    answer: Value,
}

impl Writers {
    pub(crate) async fn start(webhook: &Webhook) -> Self {
        let user = Arc::new(webhook.user("written", Some("enforce")).await);
        let tally = Arc::new(Tally::default());
        let writing = (0..share(WRITERS)).map(|_| tokio::spawn(write(user.clone(), tally.clone()))).collect();
        Self { tally, writing }
    }

    /// How many reviews they caused.
    pub(crate) fn reviews(&self) -> usize {
        self.tally.turns.load(Ordering::Relaxed) * REVIEWS
    }

    /// Nothing may have failed but what was under way when a replica was killed; as many did.
    pub(crate) fn assert_nothing_failed(&self, killed: &[Killed]) -> usize {
        let failures = self.tally.failures.lock().unwrap();
        let is_lost =
            |failure: &Failure| killed.iter().any(|at| failure.begun <= *at.end() && *at.start() <= failure.ended);
        let others: Vec<&Value> =
            failures.iter().filter(|failure| !is_lost(failure)).map(|failure| &failure.answer).collect();
        assert!(others.is_empty(), "{others:#?}");
        failures.len()
    }

    /// Stops them; as many reviews did they cause.
    pub(crate) async fn end(self) -> usize {
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
        tally.note(Instant::now(), is_applied(&user).await);
        tally.note(Instant::now(), is_refused(&user).await);
        tally.turns.fetch_add(1, Ordering::Relaxed);
    }
}

async fn is_applied(user: &User) -> Result<(), Value> {
    let answer = user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await;
    let account = answer.body.pointer("/spec/template/spec/serviceAccountName").and_then(Value::as_str);
    // the mutating webhook is left out where it fails, so what was stored must be looked at
    if account == Some("apim-gateway-workload-identity") { Ok(()) } else { Err(answer.body) }
}

async fn is_refused(user: &User) -> Result<(), Value> {
    let answer = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
    if answer.status == 403 { Ok(()) } else { Err(answer.body) }
}

impl Tally {
    fn note(&self, begun: Instant, outcome: Result<(), Value>) {
        if let Err(answer) = outcome {
            self.failures.lock().unwrap().push(Failure { begun, ended: Instant::now(), answer });
        }
    }
}
