//! Four times as many clients as a replica evaluates reviews at once. Each sends the next review as soon as it has the
//! answer.

use crate::replicas::Replicas;
use apim_keyless::tls::{provider, root_store};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use test_support::webhook::measure::{kibibytes, reduced};
use test_support::webhook::objects::{CHART_IDENTITY, one};
use test_support::webhook::{Server, print_to_stderr};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// Four times the number of reviews that are evaluated at once (`--reviews`).
const CLIENTS: usize = 256;
/// How many clients saturate a replica on two cores.
const FEW_CLIENTS: usize = 8;
/// How long the load lasts, in seconds.
const TIME: usize = 60;
/// The most memory that a replica may use meanwhile, in MiB.
const MEMORY: u64 = 64;
/// One of this many bodies is long.
const LONG: usize = 20;

/// The results of the requests.
#[derive(Default)]
struct Results {
    statuses: BTreeMap<u16, usize>,
    failures: Vec<String>,
    latencies: Vec<Duration>,
}

/// An overloaded replica answers what it can, defers the rest, and uses little memory.
pub(crate) async fn check(replicas: &Replicas<'_>) {
    let folder = TempDir::new().unwrap();
    let server = Arc::new(replicas.webhook.standalone_replica(folder.path()).await);
    let client = Arc::new(Client::new(&server, &fs::read_to_string(folder.path().join("ca.crt")).unwrap()));
    let time = Duration::from_secs(reduced(TIME) as u64);
    let few = run(&client, FEW_CLIENTS, time / 12).await;
    let measured = tokio::spawn(highest_memory(server.clone(), time));
    let many = run(&client, CLIENTS, time).await;
    let memory = measured.await.unwrap();
    let after = run(&client, 1, Duration::from_secs(2)).await;
    print_to_stderr(&format!(
        "soak: a replica alone, {FEW_CLIENTS} clients: {}; {CLIENTS} clients for {time:?}: {}, {memory} KiB at most; \
         one client after that: {}",
        few.summary(time / 12),
        many.summary(time),
        after.summary(Duration::from_secs(2)),
    ));
    for results in [&few, &many, &after] {
        assert_eq!(results.failures, Vec::<String>::new(), "every response has status 200 or 503");
        assert!(results.statuses.keys().all(|status| [200, 503].contains(status)), "{:?}", results.statuses);
    }
    assert!(many.statuses[&200] > 0 && after.statuses.keys().eq([&200]), "{:?}", after.statuses);
    assert!(memory <= kibibytes(MEMORY), "{memory} KiB");
}

async fn highest_memory(server: Arc<Server>, time: Duration) -> u64 {
    let (start, mut highest) = (Instant::now(), 0);
    while start.elapsed() < time {
        highest = highest.max(server.resident());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    highest
}

/// Lets this many clients send reviews for this time.
async fn run(client: &Arc<Client>, clients: usize, time: Duration) -> Results {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut calls = JoinSet::new();
    for number in 0..clients {
        calls.spawn(client.clone().repeat(number, is_over.clone()));
    }
    tokio::time::sleep(time).await;
    is_over.store(true, Ordering::Relaxed);
    let mut all = Results::default();
    while let Some(one) = calls.join_next().await {
        all.add(one.unwrap());
    }
    all
}

impl Results {
    fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.failures.extend(other.failures);
        self.latencies.extend(other.latencies);
    }

    fn summary(&self, time: Duration) -> String {
        let mut latencies = self.latencies.clone();
        latencies.sort();
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
        let rate = self.statuses.get(&200).copied().unwrap_or_default() as u64 / time.as_secs().max(1);
        format!(
            "{:?}, {rate} answers per second, latency {:?} (median), {:?} (99th percentile)",
            self.statuses,
            at(50),
            at(99)
        )
    }
}

struct Client {
    connector: TlsConnector,
    port: u16,
    bodies: Vec<Bytes>,
}

impl Client {
    fn new(server: &Server, ca_pem: &str) -> Self {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(root_store(ca_pem).unwrap())
            .with_no_client_auth();
        let short = review(&one(CHART_IDENTITY, "Deployment"));
        let mut bodies = vec![short; LONG - 1];
        bodies.push(review(&long()));
        Self { connector: TlsConnector::from(Arc::new(config)), port: server.port, bodies }
    }

    async fn repeat(self: Arc<Self>, number: usize, is_over: Arc<AtomicBool>) -> Results {
        let mut results = Results::default();
        let (mut connection, mut bodies) = (None, self.bodies.iter().cycle().skip(number));
        while !is_over.load(Ordering::Relaxed) {
            let body = bodies.next().cloned().unwrap_or_default();
            let start = Instant::now();
            match self.send(&mut connection, body).await {
                Ok(status) => *results.statuses.entry(status).or_default() += 1,
                Err(error) => results.failures.push(format!("{error:?}")),
            }
            results.latencies.push(start.elapsed());
        }
        results
    }

    async fn send(&self, connection: &mut Option<SendRequest<Full<Bytes>>>, body: Bytes) -> anyhow::Result<u16> {
        let mut open = match connection.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        open.ready().await?;
        let request = Request::post("/enforce/validate?timeout=5s").header("host", "localhost");
        let request = request.header("content-type", "application/json").body(Full::new(body))?;
        let (status, is_last) = read(open.send_request(request).await?).await?;
        *connection = Some(open).filter(|_| !is_last);
        Ok(status)
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(ServerName::try_from("localhost")?, stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

async fn read(response: Response<Incoming>) -> anyhow::Result<(u16, bool)> {
    let is_last = response.headers().get("connection").is_some_and(|value| value == "close");
    let status = response.status().as_u16();
    response.into_body().collect().await?;
    Ok((status, is_last))
}

fn review(object: &Value) -> Bytes {
    let request = json!({
        "uid": "1", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "operation": "CREATE",
        "namespace": "awaited", "object": object,
    });
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    serde_json::to_vec(&review).unwrap().into()
}

/// A gateway with 2,000 variables, about 100 KiB.
fn long() -> Value {
    let mut object = one(CHART_IDENTITY, "Deployment");
    let variables = (0..2000).map(|number| json!({"name": format!("SETTING_{number:04}"), "value": "of no meaning"}));
    object["spec"]["template"]["spec"]["containers"][0]["env"] = variables.collect();
    object
}
