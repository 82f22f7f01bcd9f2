//! The load: as many connections as a load has, over which one request is sent again and again.

mod connection;
mod pace;

pub(crate) use connection::{Connection, Connector};

use hdrhistogram::Histogram;
use pace::Pace;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections of a load that is planned beforehand, and of handshakes at once.
const CONNECTIONS: usize = 32;
const HANDSHAKES: usize = 8;

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Load {
    /// On so many connections, each as soon as the answer to the one before is there.
    Closed(usize),
    /// So many a second at times that are planned beforehand, whatever the answers do.
    Open(f64),
}

/// What came of a load.
pub(crate) struct Level {
    /// Nanoseconds from when a request was to be sent to the end of its answer.
    pub(crate) latencies: Histogram<u64>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

/// Connections to one server, and what is sent over them.
pub(crate) struct Caller {
    connections: Vec<Connection>,
    request: Arc<[u8]>,
}

impl Caller {
    /// As many as a load needs.
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

    /// Sends for a while. Every answer must be 200.
    pub(crate) async fn drive(&mut self, load: Load, time: Duration) -> Level {
        let run = Arc::new(Run::of(load, time));
        let connections = self.connections.drain(..);
        let tasks: JoinSet<Connection> =
            connections.map(|connection| run.clone().ask(connection, self.request.clone())).collect();
        self.connections = tasks.join_all().await;
        run.outcome()
    }
}

/// Opens and closes connections for a while, eight at once, with a whole handshake each.
pub(crate) async fn shake(connector: &Connector, time: Duration) -> Level {
    let run = Arc::new(Run::of(Load::Closed(HANDSHAKES), time));
    let tasks: JoinSet<()> = (0..HANDSHAKES).map(|_| run.clone().connect(connector.clone())).collect();
    tasks.join_all().await;
    run.outcome()
}

/// What all connections of a load have in common.
struct Run {
    pace: Pace,
    latencies: Mutex<Histogram<u64>>,
    start: Instant,
}

impl Run {
    fn of(load: Load, time: Duration) -> Self {
        Self { pace: Pace::of(load, time), latencies: Mutex::new(histogram()), start: Instant::now() }
    }

    async fn ask(self: Arc<Self>, mut connection: Connection, request: Arc<[u8]>) -> Connection {
        while let Some(planned) = self.pace.turn().await {
            connection.exchange(&request).await.unwrap();
            self.note(planned);
        }
        connection
    }

    async fn connect(self: Arc<Self>, connector: Connector) {
        while let Some(begun) = self.pace.turn().await {
            // when the server has closed it, too, it has done all that the connection costs
            connector.connect().await.unwrap().close().await.unwrap();
            self.note(begun);
        }
    }

    fn note(&self, planned: Instant) {
        let nanoseconds = u64::try_from(planned.elapsed().as_nanos()).unwrap();
        self.latencies.lock().unwrap().saturating_record(nanoseconds);
    }

    fn outcome(&self) -> Level {
        Level { latencies: self.latencies.lock().unwrap().clone(), elapsed: self.start.elapsed() }
    }
}

/// From a nanosecond to a minute, three digits of each.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap()
}
