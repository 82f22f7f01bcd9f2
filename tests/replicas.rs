//! Three replicas behind a balancer: they are restarted one after the other and killed, while their certificates change and
//! the API server calls. Nothing fails but what a killed replica had in its hands.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod control_plane;
mod webhook;

use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;
use webhook::balancer::Balancer;
use webhook::objects::{BARE, OLD_IMAGE, one};
use webhook::{Server, User, Webhook, say};

/// How many write at the same time.
const WRITERS: usize = 4;
/// How often every replica is replaced.
const ROUNDS: usize = 2;
/// How often one is killed.
const KILLS: usize = 4;
/// How late the endpoints are that lead to a replica.
const LAG: Duration = Duration::from_secs(1);

fn arguments() -> Vec<String> {
    let arguments = [
        ("--authority-validity", "60s"),
        ("--leaf-validity", "10s"),
        ("--trust-hold", "3s"),
        ("--retirement-margin", "10s"),
        ("--check-interval", "1s"),
        ("--drain-seconds", "3"),
    ];
    arguments.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

/// What became of the writes.
#[derive(Default)]
struct Tally {
    is_over: AtomicBool,
    writes: AtomicUsize,
    failures: Mutex<Vec<(Instant, Value)>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_while_replicas_come_and_go_but_what_a_killed_one_held() {
    let Some(webhook) = Webhook::start_with(|_| arguments()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let (balancer, mut replicas) = (Balancer::start(), VecDeque::new());
    for _ in 0..3 {
        replicas.push_back(started(&webhook, &balancer).await);
    }
    webhook.lead_to(balancer.port).await;
    let user = Arc::new(webhook.user("replicas", Some("enforce")).await);
    let tally = Arc::new(Tally::default());
    let writing: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write(user.clone(), tally.clone()))).collect();

    for _ in 0..ROUNDS * 3 {
        replicas.push_back(started(&webhook, &balancer).await);
        end(replicas.pop_front().unwrap(), &balancer).await;
    }
    assert_eq!(*tally.failures.lock().unwrap(), Vec::new(), "while replicas are replaced");
    for _ in 0..KILLS {
        kill(replicas.pop_front().unwrap(), &balancer).await;
        replicas.push_back(started(&webhook, &balancer).await);
    }
    tally.is_over.store(true, Ordering::Relaxed);
    for writer in writing {
        writer.await.unwrap();
    }
    let (pairs, lost) = (tally.writes.load(Ordering::Relaxed), tally.failures.lock().unwrap().len());
    let changes = webhook.count("the CAs changed");
    say(&format!(
        "{pairs} pairs of writes by {WRITERS}: 0 failed in {} restarts, {lost} in {KILLS} kills; {changes} changes of the CAs by the first replica",
        ROUNDS * 3
    ));
    assert!(lost <= KILLS * WRITERS, "{:#?}", tally.failures.lock().unwrap());
}

async fn started(webhook: &Webhook, balancer: &Balancer) -> Server {
    let server = webhook.replica(&arguments()).await;
    server.wait_until_ready();
    balancer.add(server.port);
    server
}

/// Asks a replica to end; the endpoints notice late.
async fn end(mut server: Server, balancer: &Balancer) {
    let port = server.port;
    tokio::task::spawn_blocking(move || server.stop());
    sleep(LAG).await;
    balancer.remove(port);
    sleep(LAG).await;
}

/// Kills a replica; the endpoints notice late.
async fn kill(mut server: Server, balancer: &Balancer) {
    server.kill();
    sleep(LAG).await;
    balancer.remove(server.port);
    sleep(LAG).await;
}

/// Writes something that is mended and something that is refused, again and again.
async fn write(user: Arc<User>, tally: Arc<Tally>) {
    while !tally.is_over.load(Ordering::Relaxed) {
        let mended = user.apply_with(&one(BARE, "Deployment"), "?dryRun=All").await;
        let refused = user.apply_with(&one(OLD_IMAGE, "Deployment"), "?dryRun=All").await;
        let account = mended.body.pointer("/spec/template/spec/serviceAccountName").and_then(Value::as_str);
        let failed = [
            (mended.status != 201 || account != Some("apim-gateway-workload-identity")).then_some(mended.body.clone()),
            (refused.status != 403).then_some(refused.body.clone()),
        ];
        tally.failures.lock().unwrap().extend(failed.into_iter().flatten().map(|body| (Instant::now(), body)));
        tally.writes.fetch_add(1, Ordering::Relaxed);
    }
}
