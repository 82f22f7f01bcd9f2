//! The load generator: it sends one request repeatedly over a number of connections.

mod connection;
mod pace;

pub(crate) use connection::{Connection, Connector};

use hdrhistogram::Histogram;
use pace::Pace;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Number of connections of an open load.
const CONNECTIONS: usize = 32;
/// Number of handshakes at the same time.
const HANDSHAKES: usize = 8;

/// The times at which requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Load {
    /// On this number of connections, each request as soon as the response to the previous one has arrived.
    Closed(usize),
    /// This number per second, at times that are planned in advance, independent of the responses.
    Open(f64),
}

/// The result of a load.
pub(crate) struct LoadResult {
    /// Nanoseconds from the planned time of a request to the end of its response.
    pub(crate) latencies: Histogram<u64>,
    /// Time from the first request to the last response.
    pub(crate) elapsed: Duration,
}

/// Connections to one server, and the request to send.
pub(crate) struct Caller {
    connections: Vec<Connection>,
    request: Arc<[u8]>,
}

impl Caller {
    /// Opens as many connections as a load needs.
    pub(crate) async fn open(connector: &Connector, load: Load, request: &Arc<[u8]>) -> Self {
        let number = match load {
            Load::Closed(connections) => connections,
            Load::Open(_) => CONNECTIONS,
        };
        let mut connections = Vec::new();
        for _ in 0..number {
            connections.push(connector.connect().await.unwrap());
        }
        Self { connections, request: request.clone() }
    }

    /// Sends requests for `time`. Every response must be 200.
    pub(crate) async fn drive(&mut self, load: Load, time: Duration) -> LoadResult {
        let run = Arc::new(Run::of(load, time));
        let connections = self.connections.drain(..);
        let tasks: JoinSet<Connection> =
            connections.map(|connection| run.clone().send(connection, self.request.clone())).collect();
        self.connections = tasks.join_all().await;
        run.result()
    }
}

/// Opens and closes connections for `time`, eight at once, with a full handshake each.
pub(crate) async fn handshakes(connector: &Connector, time: Duration) -> LoadResult {
    let run = Arc::new(Run::of(Load::Closed(HANDSHAKES), time));
    let tasks: JoinSet<()> = (0..HANDSHAKES).map(|_| run.clone().connect(connector.clone())).collect();
    tasks.join_all().await;
    run.result()
}

/// The state that all connections of a load share.
struct Run {
    pace: Pace,
    latencies: Mutex<Histogram<u64>>,
    start: Instant,
}

impl Run {
    fn of(load: Load, time: Duration) -> Self {
        Self { pace: Pace::of(load, time), latencies: Mutex::new(histogram()), start: Instant::now() }
    }

    async fn send(self: Arc<Self>, mut connection: Connection, request: Arc<[u8]>) -> Connection {
        while let Some(planned) = self.pace.next_request().await {
            connection.exchange(&request).await.unwrap();
            self.record(planned);
        }
        connection
    }

    async fn connect(self: Arc<Self>, connector: Connector) {
        while let Some(start) = self.pace.next_request().await {
            // after the server has closed it as well, the whole cost of the connection is measured
            connector.connect().await.unwrap().close().await.unwrap();
            self.record(start);
        }
    }

    fn record(&self, planned: Instant) {
        let nanoseconds = u64::try_from(planned.elapsed().as_nanos()).unwrap();
        self.latencies.lock().unwrap().saturating_record(nanoseconds);
    }

    fn result(&self) -> LoadResult {
        LoadResult { latencies: self.latencies.lock().unwrap().clone(), elapsed: self.start.elapsed() }
    }
}

/// A histogram from one nanosecond to one minute with three significant digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap()
}
