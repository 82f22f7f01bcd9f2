//! The trials: all servers take turns under the same load.

use crate::case::Case;
use crate::child::{Kind, Memory, NAME, Server, Usage};
use crate::figures::{Measurement, Series};
use crate::load::{self, Caller, Connector, Load, LoadResult};
use crate::options::Options;
use crate::pinning::Pinning;
use apim_keyless::tls::Certificates;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The certificate and the load generator's runtime, which all trials share.
pub(crate) struct Bench {
    pub(crate) pinning: Pinning,
    folder: TempDir,
    ca_pem: String,
    runtime: Runtime,
}

/// All measurements.
pub(crate) struct Results {
    pub(crate) cases: Vec<Trial>,
    pub(crate) handshakes: Series,
}

/// The measurements of one case.
pub(crate) struct Trial {
    pub(crate) case: &'static Case,
    /// Eight connections without a pause, which measure the cost of a response.
    pub(crate) cost: Series,
    /// The measurements under other loads.
    pub(crate) loads: Vec<Series>,
    /// The resident memory of each server at the end.
    pub(crate) memory: [Memory; 3],
}

/// The three servers. Only one of them gets requests at a time.
pub(crate) struct Servers {
    pub(crate) all: [Server; 3],
    connectors: [Connector; 3],
    request: Arc<[u8]>,
}

/// Measures the selected cases, and handshakes.
pub(crate) fn trials(bench: &Bench, options: &Options) -> Results {
    let cases = options.cases().map(|case| bench.trial(case, options)).collect();
    Results { cases, handshakes: bench.handshakes(options) }
}

impl Bench {
    /// Creates the certificate that all servers use.
    pub(crate) fn new(pinning: Pinning) -> Self {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::open_or_create(folder.path(), &[NAME.to_owned()], SystemTime::now()).unwrap();
        // one thread, because the load generator has one core
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { pinning, ca_pem: certificates.ca_pem, folder, runtime }
    }

    /// Starts all servers, and verifies that the webhook's response to the case is the expected one.
    pub(crate) fn start(&self, case: &Case) -> Servers {
        let servers = Kind::ALL.map(|kind| Server::start(kind, &self.pinning, self.folder.path()));
        let connectors = [0, 1, 2].map(|kind| Connector::to(servers[kind].address, &self.ca_pem));
        let request = case.request();
        self.runtime.block_on(async {
            let mut connection = connectors[Kind::Ours as usize].connect().await.unwrap();
            case.verify(connection.exchange(&request).await.unwrap());
        });
        Servers { all: servers, connectors, request: request.into() }
    }

    fn trial(&self, case: &'static Case, options: &Options) -> Trial {
        eprintln!("{}: {}", case.name, case.label);
        let servers = self.start(case);
        let cost = self.series(&servers, ("8 connections", [Load::Closed(8); 3]), options);
        let loads = loads(case, &cost, options).into_iter().map(|load| self.series(&servers, load, options)).collect();
        Trial { case, cost, loads, memory: [0, 1, 2].map(|kind| servers.all[kind].memory()) }
    }

    /// Measures the servers in turn, each under its own load.
    pub(crate) fn series(&self, servers: &Servers, loads: (&'static str, [Load; 3]), options: &Options) -> Series {
        let mut series = Series::of(loads.0);
        for _ in 0..options.alternations {
            for kind in Kind::ALL {
                series.add(kind, self.turn(servers, kind, loads.1[kind as usize], options.turn()));
            }
        }
        series
    }

    /// Measures one turn of one server, after a warm-up of a tenth of the turn.
    pub(crate) fn turn(&self, servers: &Servers, kind: Kind, load: Load, time: Duration) -> Measurement {
        let (server, connector) = (&servers.all[kind as usize], &servers.connectors[kind as usize]);
        let mut caller = self.runtime.block_on(Caller::open(connector, load, &servers.request));
        self.runtime.block_on(caller.drive(load, time / 10));
        let measurement = self.measure(server, caller.drive(load, time));
        server.truncate_log();
        measurement
    }

    fn measure(&self, server: &Server, load: impl Future<Output = LoadResult>) -> Measurement {
        let (before, own_before) = (server.usage(), Usage::own());
        let load = self.runtime.block_on(load);
        let (cpu, load_cpu) = (server.usage().since(&before), Usage::own().since(&own_before));
        Measurement { load, cpu, load_cpu }
    }

    fn handshakes(&self, options: &Options) -> Series {
        eprintln!("handshakes");
        let servers = Kind::ALL.map(|kind| Server::start(kind, &self.pinning, self.folder.path()));
        let mut series = Series::of("handshakes");
        for _ in 0..options.alternations {
            for server in &servers {
                let connector = Connector::to(server.address, &self.ca_pem);
                self.runtime.block_on(load::handshakes(&connector, options.turn() / 10));
                series.add(server.kind, self.measure(server, load::handshakes(&connector, options.turn())));
            }
        }
        series
    }
}

/// The loads besides the one that measures the cost. Their rates depend on each server's capacity. A long review has
/// none: its open load would exceed the body limit of ours, which would then answer 503.
fn loads(case: &Case, cost: &Series, options: &Options) -> Vec<(&'static str, [Load; 3])> {
    let capacities = Kind::ALL.map(|kind| cost.figure(kind, Measurement::capacity).median);
    let half = ("half of its capacity", capacities.map(|capacity| Load::Open(capacity / 2.0)));
    if options.has_all_loads(case) && !case.is_long() {
        let value = Load::Open(capacities[Kind::Value as usize] / 2.0);
        vec![
            ("1 connection", [Load::Closed(1); 3]),
            ("32 connections", [Load::Closed(32); 3]),
            ("a quarter of its capacity", capacities.map(|capacity| Load::Open(capacity / 4.0))),
            half,
            ("half of B's capacity", [value; 3]),
        ]
    } else if case.is_timed {
        vec![half]
    } else {
        vec![]
    }
}
