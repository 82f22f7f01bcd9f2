//! One write after the other on a connection that is kept, and what the servers do meanwhile.

use crate::helm::Helm;
use crate::outcome;
use crate::processes::Processes;
use crate::set_up::{Doorkeeper, ENFORCED, SetUp, UNLABELLED};
use crate::webhook::objects::{ARTICLE, CHART_IDENTITY};
use crate::webhook::{Webhook, documents, not_run, say};
use crate::write::{CHART_ENFORCED, Write};
use axum::http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Coverage {
    pub(crate) alternations: usize,
    /// How often each set-up has its turn in an alternation. Turns are short, since what else runs on the machine
    /// changes from minute to minute, and that must meet all set-ups alike.
    pub(crate) rounds: usize,
    /// Writes of a turn, of each sort.
    pub(crate) writes: usize,
    /// Writes in front of them, which don't count.
    pub(crate) warm_up: usize,
    pub(crate) pause: Duration,
}

/// Is it stored?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storing {
    Stored,
    DryRun,
}

/// What a series came to.
pub(crate) struct Series {
    pub(crate) set_up: SetUp,
    pub(crate) write: Write,
    pub(crate) storing: Storing,
    pub(crate) alternation: usize,
    pub(crate) elapsed: f64,
    pub(crate) latencies: Vec<Duration>,
    /// CPU seconds of each process.
    pub(crate) used: [f64; 3],
}

/// What was measured.
pub(crate) struct Measured {
    pub(crate) kubernetes: String,
    pub(crate) set_ups: Vec<SetUp>,
    pub(crate) series: Vec<Series>,
    /// CPU of each process where nobody writes, in a second, a pause each.
    pub(crate) idle: Vec<(SetUp, [f64; 3])>,
}

/// All that is needed to measure.
pub(crate) struct Stage<'a> {
    webhook: &'a Webhook,
    doorkeeper: Doorkeeper<'a>,
    processes: Processes,
    client: Client,
}

impl<'a> Stage<'a> {
    /// Makes the namespaces, with what stands beside gateways.
    pub(crate) async fn set(webhook: &'a Webhook, helm: &Helm) -> Self {
        for (namespace, mode, beside) in [
            (CHART_ENFORCED, Some("enforce"), CHART_IDENTITY),
            (ENFORCED, Some("enforce"), ARTICLE),
            (UNLABELLED, None, ARTICLE),
        ] {
            let user = webhook.user(namespace, mode).await;
            let mut objects = documents(beside);
            objects.retain(|object| object["kind"] == "ServiceAccount" || object["kind"] == "ConfigMap");
            for answer in user.apply_all(&objects).await {
                answer.stored();
            }
        }
        let client = Client::try_from(webhook.control_plane.kube_config()).unwrap();
        let (doorkeeper, processes) = (Doorkeeper::new(webhook, helm), Processes::of(webhook));
        Self { webhook, doorkeeper, processes, client }
    }

    /// Every set-up has its turns in each alternation, another one the first in each round.
    pub(crate) async fn measure(&self, coverage: &Coverage) -> Measured {
        let mut set_ups = vec![SetUp::Nothing, SetUp::Ours, SetUp::OursInCluster];
        if self.doorkeeper.has_native().await {
            set_ups.push(SetUp::Native);
        } else {
            not_run("admission policies that mutate: this Kubernetes has none");
        }
        let kubernetes = self.client.apiserver_version().await.unwrap().git_version;
        let mut measured = Measured { kubernetes, set_ups: set_ups.clone(), series: Vec::new(), idle: Vec::new() };
        // the first writes of an API server are slow
        self.turn(SetUp::Nothing, (0, coverage)).await;
        for alternation in 0..coverage.alternations {
            for set_up in &set_ups {
                self.doorkeeper.install(*set_up).await;
                measured.idle.push((*set_up, self.idle(coverage.pause).await));
            }
            let first = coverage.rounds * alternation;
            for turn in (first..first + coverage.rounds).flat_map(|round| turns(&set_ups, round)) {
                measured.series.extend(self.turn(turn, (alternation, coverage)).await);
            }
            say(&format!("writes: {} of {} alternations", alternation + 1, coverage.alternations));
        }
        measured
    }

    async fn turn(&self, set_up: SetUp, (alternation, coverage): (usize, &Coverage)) -> Vec<Series> {
        self.doorkeeper.install(set_up).await;
        self.settle().await;
        let mut turn = Vec::new();
        for write in set_up.writes() {
            for storing in [Storing::Stored, Storing::DryRun] {
                let reviews = self.reviews().await;
                turn.push(self.series((set_up, *write, storing), (alternation, coverage)).await);
                let asked = (coverage.writes + coverage.warm_up) * Write::reviews(set_up);
                assert_eq!(self.reviews().await - reviews, asked, "{set_up:?} {write:?}");
            }
            self.clean_up((set_up, *write), coverage).await;
        }
        turn
    }

    /// What follows an installation is no part of it: informers, caBundles that are written.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    /// What each process does by itself, in a second.
    async fn idle(&self, pause: Duration) -> [f64; 3] {
        self.settle().await;
        let (begun, before) = (Instant::now(), self.processes.used());
        tokio::time::sleep(pause).await;
        let elapsed = begun.elapsed().as_secs_f64();
        self.processes.since(before).map(|used| used / elapsed)
    }

    async fn series(
        &self,
        (set_up, write, storing): (SetUp, Write, Storing),
        (alternation, coverage): (usize, &Coverage),
    ) -> Series {
        let query = if storing == Storing::DryRun { "?dryRun=All" } else { "" };
        let path = format!("{}{query}", deployments(write.namespace(set_up)));
        let body = serde_json::to_vec(&write.object()).unwrap();
        for _ in 0..coverage.warm_up {
            self.post(&path, &body).await;
        }
        let (begun, before) = (Instant::now(), self.processes.used());
        let mut latencies = Vec::with_capacity(coverage.writes);
        for _ in 0..coverage.writes {
            latencies.push(self.post(&path, &body).await);
        }
        let (elapsed, used) = (begun.elapsed().as_secs_f64(), self.processes.since(before));
        Series { set_up, write, storing, alternation, elapsed, latencies, used }
    }

    /// The time from the request to the last byte of the answer.
    async fn post(&self, path: &str, body: &[u8]) -> Duration {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let begun = Instant::now();
        let response = self.client.send(request).await.unwrap();
        let status = response.status();
        let answer = response.into_body().collect().await.unwrap().to_bytes();
        let latency = begun.elapsed();
        assert_eq!(status, 201, "{path}: {}", String::from_utf8_lossy(&answer));
        latency
    }

    /// How many reviews we have answered.
    async fn reviews(&self) -> usize {
        let metrics = self.webhook.metrics().await;
        let counts = metrics.lines().filter(|line| line.starts_with("apim_keyless_reviews_total"));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    /// Looks at what was stored, and takes it away, so that every series begins alike.
    async fn clean_up(&self, (set_up, write): (SetUp, Write), coverage: &Coverage) {
        let namespace = write.namespace(set_up);
        let user = self.webhook.in_namespace(namespace);
        let stored = user.list(&deployments(namespace)).await;
        assert_eq!(stored.len(), coverage.writes + coverage.warm_up, "a dry run stores nothing");
        outcome::check(&stored, write, set_up);
        user.remove(&deployments(namespace)).await.stored();
    }
}

/// The set-ups in the order of a round.
fn turns(set_ups: &[SetUp], round: usize) -> impl Iterator<Item = SetUp> + '_ {
    set_ups.iter().copied().cycle().skip(round % set_ups.len()).take(set_ups.len())
}

fn deployments(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}
