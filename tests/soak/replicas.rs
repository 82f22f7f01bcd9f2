//! Three replicas behind a balancer, and what happens to them.

use crate::webhook::balancer::Balancer;
use crate::webhook::{Server, Webhook};
use std::collections::{BTreeSet, VecDeque};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How late the endpoints are that lead to a replica.
const LAG: Duration = Duration::from_secs(1);
/// How long a client may take to hear that its connection was closed; what it sends meanwhile is lost.
const HEARD: Duration = Duration::from_millis(250);

/// From the kill until nobody sends anything to the killed one any more.
pub(crate) type Killed = RangeInclusive<Instant>;

/// A CA lasts as long as eight leaves; in production it is 156.
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

/// The replicas, the oldest first.
pub(crate) struct Replicas<'a> {
    /// What they belong to.
    pub(crate) webhook: &'a Webhook,
    balancer: Balancer,
    running: VecDeque<Server>,
    replaced: usize,
    killed: Vec<Killed>,
    starts: Vec<Duration>,
    /// Certificates that those showed that are gone, those of a start left out.
    leaves: usize,
    /// The CAs of which those showed a certificate that are gone.
    authorities: BTreeSet<String>,
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
            leaves: 0,
            authorities: BTreeSet::new(),
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

    /// The replica that has run for longest.
    pub(crate) fn oldest(&self) -> &Server {
        self.running.front().unwrap()
    }

    /// When replicas were killed.
    pub(crate) fn killed(&self) -> &[Killed] {
        &self.killed
    }

    /// Replaces one after the other: a new one is there before an old one goes.
    pub(crate) async fn replace_all(&mut self) {
        for _ in 0..self.running.len() {
            self.add().await;
            let mut old = self.take();
            let port = old.port;
            // it lives on as long as somebody may still call it
            tokio::task::spawn_blocking(move || old.stop());
            self.forget(port).await;
            self.replaced += 1;
        }
    }

    /// Kills the oldest as a node that fails does, and starts another.
    pub(crate) async fn kill_one(&mut self) {
        let mut old = self.take();
        let begun = Instant::now();
        old.kill();
        self.balancer.wait_until_left(old.port).await;
        sleep(HEARD).await;
        self.killed.push(begun..=Instant::now());
        self.forget(old.port).await;
        self.add().await;
    }

    /// How many certificates were shown, those of a start left out.
    pub(crate) fn leaves(&self) -> usize {
        self.leaves + self.running.iter().map(renewals).sum::<usize>()
    }

    /// How many CAs followed another.
    pub(crate) fn successions(&self) -> usize {
        let shown: BTreeSet<String> = self.running.iter().flat_map(authorities).collect();
        self.authorities.union(&shown).count().saturating_sub(1)
    }

    async fn add(&mut self) {
        let begun = Instant::now();
        let server = self.webhook.replica(&arguments()).await;
        server.wait_until_ready();
        self.starts.push(begun.elapsed());
        self.balancer.add(server.port);
        self.running.push_back(server);
    }

    fn take(&mut self) -> Server {
        let old = self.running.pop_front().unwrap();
        self.leaves += renewals(&old);
        self.authorities.extend(authorities(&old));
        old
    }

    /// The endpoints notice late.
    async fn forget(&self, port: u16) {
        sleep(LAG).await;
        self.balancer.remove(port);
        sleep(LAG).await;
    }
}

impl Display for Replicas<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut starts = self.starts.clone();
        starts.sort();
        write!(
            f,
            "{} replicas replaced, {} killed, {} certificates renewed, {} CAs followed another, start to ready {:?} in \
             the middle and {:?} at most",
            self.replaced,
            self.killed.len(),
            self.leaves(),
            self.successions(),
            starts[starts.len() / 2],
            starts[starts.len() - 1],
        )
    }
}

fn shown(server: &Server) -> impl Iterator<Item = String> {
    let events = server.events().into_iter().filter(|event| event["message"] == "shows a new certificate");
    events.filter_map(|event| event["authority"].as_str().map(str::to_owned))
}

fn renewals(server: &Server) -> usize {
    shown(server).count().saturating_sub(1)
}

fn authorities(server: &Server) -> BTreeSet<String> {
    shown(server).collect()
}
