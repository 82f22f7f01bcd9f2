//! Sends one write after the other on a keep-alive connection, and measures the CPU time of the servers.

use crate::outcome;
use crate::processes::Processes;
use crate::set_up::{ENFORCED, Installer, SetUp, UNLABELED};
use crate::write::{CHART_ENFORCED, Write};
use axum::http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use std::time::{Duration, Instant};
use test_support::helm::Helm;
use test_support::webhook::objects::{ARTICLE, CHART_IDENTITY};
use test_support::webhook::{Webhook, documents, not_run, print_to_stderr};

/// The amount of measurements.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Number of repetitions of the whole measurement.
    pub(crate) alternations: usize,
    /// Number of turns of each set-up in an alternation. Turns are short, because the other load of the machine changes
    /// from minute to minute and must affect all set-ups in the same way.
    pub(crate) rounds: usize,
    /// Number of writes of each kind in a turn.
    pub(crate) writes: usize,
    /// Number of writes before them that are not counted.
    pub(crate) warm_up: usize,
    /// Length of the pause in which the idle CPU is measured.
    pub(crate) pause: Duration,
}

/// Is the write stored?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Stored,
    DryRun,
}

/// The measurements of a series of writes.
pub(crate) struct Series {
    pub(crate) set_up: SetUp,
    pub(crate) write: Write,
    pub(crate) storage: Storage,
    pub(crate) alternation: usize,
    /// Seconds.
    pub(crate) elapsed: f64,
    pub(crate) latencies: Vec<Duration>,
    /// CPU seconds of each process.
    pub(crate) used: [f64; 3],
}

/// All measurements.
pub(crate) struct Measured {
    /// The version of the API server.
    pub(crate) kubernetes: String,
    pub(crate) set_ups: Vec<SetUp>,
    pub(crate) series: Vec<Series>,
    /// CPU seconds of each process per second without writes, for each pause.
    pub(crate) idle: Vec<(SetUp, [f64; 3])>,
}

/// The webhook, the set-ups and the client that the measurements use.
pub(crate) struct Bench<'a> {
    webhook: &'a Webhook,
    installer: Installer<'a>,
    processes: Processes,
    client: Client,
}

impl<'a> Bench<'a> {
    /// Creates the namespaces with the related objects of the gateways.
    pub(crate) async fn new(webhook: &'a Webhook, helm: &Helm) -> Self {
        for (namespace, mode, manifests) in [
            (CHART_ENFORCED, Some("enforce"), CHART_IDENTITY),
            (ENFORCED, Some("enforce"), ARTICLE),
            (UNLABELED, None, ARTICLE),
        ] {
            let user = webhook.user(namespace, mode).await;
            let mut objects = documents(manifests);
            objects.retain(|object| object["kind"] == "ServiceAccount" || object["kind"] == "ConfigMap");
            for response in user.apply_all(&objects).await {
                response.stored();
            }
        }
        let client = Client::try_from(webhook.control_plane.kube_config()).unwrap();
        let (installer, processes) = (Installer::new(webhook, helm), Processes::of(webhook));
        Self { webhook, installer, processes, client }
    }

    /// Measures all set-ups in turn, in each alternation. Each round starts with another set-up.
    pub(crate) async fn measure(&self, plan: &Plan) -> Measured {
        let mut set_ups = vec![SetUp::NoWebhook, SetUp::OptIn, SetUp::Cluster];
        if self.installer.has_native().await {
            set_ups.push(SetUp::Native);
        } else {
            not_run("set-up native: this Kubernetes version has no MutatingAdmissionPolicy");
        }
        let kubernetes = self.client.apiserver_version().await.unwrap().git_version;
        let mut measured = Measured { kubernetes, set_ups: set_ups.clone(), series: Vec::new(), idle: Vec::new() };
        // warm-up, because the first writes of an API server are slow
        self.turn(SetUp::NoWebhook, 0, plan).await;
        for alternation in 0..plan.alternations {
            for set_up in &set_ups {
                self.installer.install(*set_up).await;
                measured.idle.push((*set_up, self.idle(plan.pause).await));
            }
            let first = plan.rounds * alternation;
            for turn in (first..first + plan.rounds).flat_map(|round| turns(&set_ups, round)) {
                measured.series.extend(self.turn(turn, alternation, plan).await);
            }
            print_to_stderr(&format!("writes: {} of {} alternations", alternation + 1, plan.alternations));
        }
        measured
    }

    async fn turn(&self, set_up: SetUp, alternation: usize, plan: &Plan) -> Vec<Series> {
        self.installer.install(set_up).await;
        self.settle().await;
        let mut turn = Vec::new();
        for write in set_up.writes() {
            for storage in [Storage::Stored, Storage::DryRun] {
                let reviews = self.reviews().await;
                turn.push(self.series(set_up, *write, storage, alternation, plan).await);
                let expected = (plan.writes + plan.warm_up) * write.reviews(set_up);
                assert_eq!(self.reviews().await - reviews, expected, "{set_up:?} {write:?}");
            }
            self.clean_up(set_up, *write, plan).await;
        }
        turn
    }

    /// Waits until the consequences of an installation are over: updates of informers and caBundles.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    /// CPU seconds of each process per second without writes.
    async fn idle(&self, pause: Duration) -> [f64; 3] {
        self.settle().await;
        let (start, before) = (Instant::now(), self.processes.used());
        tokio::time::sleep(pause).await;
        let elapsed = start.elapsed().as_secs_f64();
        self.processes.since(before).map(|used| used / elapsed)
    }

    async fn series(&self, set_up: SetUp, write: Write, storage: Storage, alternation: usize, plan: &Plan) -> Series {
        let query = if storage == Storage::DryRun { "?dryRun=All" } else { "" };
        let path = format!("{}{query}", deployments(write.namespace(set_up)));
        let body = serde_json::to_vec(&write.object()).unwrap();
        for _ in 0..plan.warm_up {
            self.post(&path, &body).await;
        }
        let (start, before) = (Instant::now(), self.processes.used());
        let mut latencies = Vec::with_capacity(plan.writes);
        for _ in 0..plan.writes {
            latencies.push(self.post(&path, &body).await);
        }
        let (elapsed, used) = (start.elapsed().as_secs_f64(), self.processes.since(before));
        Series { set_up, write, storage, alternation, elapsed, latencies, used }
    }

    /// Creates an object, and returns the time from the request to the last byte of the response.
    async fn post(&self, path: &str, body: &[u8]) -> Duration {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let start = Instant::now();
        let response = self.client.send(request).await.unwrap();
        let status = response.status();
        let response_body = response.into_body().collect().await.unwrap().to_bytes();
        let latency = start.elapsed();
        assert_eq!(status, 201, "{path}: {}", String::from_utf8_lossy(&response_body));
        latency
    }

    /// The number of reviews that the webhook has answered.
    async fn reviews(&self) -> usize {
        let metrics = self.webhook.metrics().await;
        let counts = metrics.lines().filter(|line| line.starts_with("apim_keyless_reviews_total"));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    /// Verifies the stored objects and deletes them, so that every series starts in the same state.
    async fn clean_up(&self, set_up: SetUp, write: Write, plan: &Plan) {
        let namespace = write.namespace(set_up);
        let user = self.webhook.in_namespace(namespace);
        let stored = user.list(&deployments(namespace)).await;
        assert_eq!(stored.len(), plan.writes + plan.warm_up, "a dry run stores nothing");
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
