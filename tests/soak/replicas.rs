//! Three replicas behind a balancer that are replaced and killed.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};
use test_support::webhook::balancer::Balancer;
use test_support::webhook::{Server, Webhook};
use tokio::time::sleep;

/// How late a Service's endpoints change after its replicas.
const LAG: Duration = Duration::from_secs(1);
/// How long a client takes to notice that its connection was closed. Requests that it sends meanwhile are lost.
const CLOSE_DELAY: Duration = Duration::from_millis(250);

/// From the kill until no client sends requests to the killed replica any more.
pub(crate) type Killed = RangeInclusive<Instant>;

/// A CA is valid as long as eight certificates; in production it is 156.
pub(crate) fn arguments() -> Vec<String> {
    let arguments = [
        ("--ca-validity", "80s"),
        ("--certificate-validity", "10s"),
        ("--propagation-delay", "3s"),
        ("--ca-overlap", "10s"),
        ("--check-interval", "1s"),
        ("--drain-seconds", "3"),
    ];
    arguments.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

/// The replicas, oldest first.
pub(crate) struct Replicas<'a> {
    /// The webhook that they belong to.
    pub(crate) webhook: &'a Webhook,
    balancer: Balancer,
    running: VecDeque<Server>,
    replaced: usize,
    killed: Vec<Killed>,
    starts: Vec<Duration>,
    /// How many certificates the stopped replicas renewed.
    renewals: usize,
    /// The CAs whose certificates the stopped replicas served.
    cas: BTreeSet<String>,
}

impl<'a> Replicas<'a> {
    pub(crate) async fn start(webhook: &'a Webhook) -> Self {
        let mut replicas = Self {
            webhook,
            balancer: Balancer::start(),
            running: VecDeque::new(),
            replaced: 0,
            killed: Vec::new(),
            starts: Vec::new(),
            renewals: 0,
            cas: BTreeSet::new(),
        };
        for _ in 0..3 {
            replicas.add().await;
        }
        replicas
    }

    /// The balancer's port.
    pub(crate) fn port(&self) -> u16 {
        self.balancer.port
    }

    /// The replica that has been running for the longest time.
    pub(crate) fn oldest(&self) -> &Server {
        self.running.front().unwrap()
    }

    /// When replicas were killed.
    pub(crate) fn killed(&self) -> &[Killed] {
        &self.killed
    }

    /// Replaces all replicas, one after the other. A new one is ready before an old one stops.
    pub(crate) async fn replace_all(&mut self) {
        for _ in 0..self.running.len() {
            self.add().await;
            let mut old = self.take_oldest();
            let port = old.port;
            // it drains while clients can still reach it
            tokio::task::spawn_blocking(move || old.stop());
            self.remove_endpoint(port).await;
            self.replaced += 1;
        }
    }

    /// Kills the oldest replica, like the failure of its node, and starts another one.
    pub(crate) async fn kill_one(&mut self) {
        let mut old = self.take_oldest();
        let start = Instant::now();
        old.kill();
        self.balancer.wait_until_left(old.port).await;
        sleep(CLOSE_DELAY).await;
        self.killed.push(start..=Instant::now());
        self.remove_endpoint(old.port).await;
        self.add().await;
    }

    /// How many certificates were renewed. The first certificate of a replica is not counted.
    pub(crate) fn renewals(&self) -> usize {
        self.renewals + self.running.iter().map(renewals_of).sum::<usize>()
    }

    /// How many CAs followed another one.
    pub(crate) fn rotations(&self) -> usize {
        let running: BTreeSet<String> = self.running.iter().flat_map(cas_of).collect();
        self.cas.union(&running).count().saturating_sub(1)
    }

    async fn add(&mut self) {
        let start = Instant::now();
        let server = self.webhook.replica(&arguments()).await;
        server.wait_until_ready();
        self.starts.push(start.elapsed());
        self.balancer.add(server.port);
        self.running.push_back(server);
    }

    fn take_oldest(&mut self) -> Server {
        let old = self.running.pop_front().unwrap();
        self.renewals += renewals_of(&old);
        self.cas.extend(cas_of(&old));
        old
    }

    /// Removes a replica from the balancer with the delay of endpoints.
    async fn remove_endpoint(&self, port: u16) {
        sleep(LAG).await;
        self.balancer.remove(port);
        sleep(LAG).await;
    }
}

impl Display for Replicas<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut starts = self.starts.clone();
        starts.sort();
        write!(
            formatter,
            "{} replicas replaced, {} killed, {} certificates renewed, {} CA rotations, start to ready in {:?} \
             (median) and {:?} at most",
            self.replaced,
            self.killed.len(),
            self.renewals(),
            self.rotations(),
            starts[starts.len() / 2],
            starts[starts.len() - 1],
        )
    }
}

fn issuers(server: &Server) -> impl Iterator<Item = String> {
    let events = server.events().into_iter().filter(|event| event["message"] == "serves a new certificate");
    events.filter_map(|event| event["ca"].as_str().map(str::to_owned))
}

fn renewals_of(server: &Server) -> usize {
    issuers(server).count().saturating_sub(1)
}

fn cas_of(server: &Server) -> BTreeSet<String> {
    issuers(server).collect()
}
