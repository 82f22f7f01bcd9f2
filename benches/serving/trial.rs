//! The servers take turns.

use crate::case::RuleInput;
use crate::child::{Kind, Memory, NAME, Server, Usage};
use crate::figures::{Measurement, Series};
use crate::load::{self, Caller, Connector, Level, Load};
use crate::options::Options;
use crate::pinning::Pinning;
use apim_keyless::tls::Certificates;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Where everything takes place.
pub(crate) struct Stage {
    pub(crate) pinning: Pinning,
    folder: TempDir,
    authority_pem: String,
    runtime: Runtime,
}

/// All that was measured.
pub(crate) struct Results {
    pub(crate) cases: Vec<Trial>,
    pub(crate) handshakes: Series,
}

/// What was measured of one case.
pub(crate) struct Trial {
    pub(crate) case: &'static RuleInput,
    /// Eight connections without a pause: what an answer costs.
    pub(crate) cost: Series,
    /// The other loads.
    pub(crate) loads: Vec<Series>,
    /// What each server has in RAM after all of that.
    pub(crate) memory: [Memory; 3],
}

/// Three servers of which one is asked at a time.
pub(crate) struct Ensemble {
    pub(crate) servers: [Server; 3],
    connectors: [Connector; 3],
    request: Arc<[u8]>,
}

/// Measures everything that is asked for.
pub(crate) fn trials(stage: &Stage, options: &Options) -> Results {
    let cases = options.cases().map(|case| stage.trial(case, options)).collect();
    Results { cases, handshakes: stage.handshakes(options) }
}

impl Stage {
    /// With a certificate that all servers show.
    pub(crate) fn set(pinning: Pinning) -> Self {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::open_or_create(folder.path(), &[NAME.to_owned()], SystemTime::now()).unwrap();
        // one thread, as it has one core
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { pinning, authority_pem: certificates.ca_pem, folder, runtime }
    }

    /// Starts all servers, and sees that the webhook answers the case as it should.
    pub(crate) fn start(&self, case: &RuleInput) -> Ensemble {
        let servers = Kind::ALL.map(|kind| Server::start(kind, &self.pinning, self.folder.path()));
        let connectors = [0, 1, 2].map(|kind| Connector::to(servers[kind].address, &self.authority_pem));
        let request = case.request();
        self.runtime.block_on(async {
            let mut connection = connectors[Kind::Ours as usize].connect().await.unwrap();
            case.verify(connection.exchange(&request).await.unwrap());
        });
        Ensemble { servers, connectors, request: request.into() }
    }

    fn trial(&self, case: &'static RuleInput, options: &Options) -> Trial {
        eprintln!("{}: {}", case.name, case.told);
        let ensemble = self.start(case);
        let cost = self.series(&ensemble, ("8 connections", [Load::Closed(8); 3]), options);
        let loads = loads(case, &cost, options).into_iter().map(|load| self.series(&ensemble, load, options)).collect();
        Trial { case, cost, loads, memory: [0, 1, 2].map(|kind| ensemble.servers[kind].memory()) }
    }

    /// The servers take turns under a load of each.
    pub(crate) fn series(&self, ensemble: &Ensemble, loads: (&'static str, [Load; 3]), options: &Options) -> Series {
        let mut series = Series::of(loads.0);
        for _ in 0..options.alternations {
            for kind in Kind::ALL {
                series.add(kind, self.turn((ensemble, kind), loads.1[kind as usize], options.turn()));
            }
        }
        series
    }

    /// A turn of one server, after a tenth of it to warm up.
    pub(crate) fn turn(&self, (ensemble, kind): (&Ensemble, Kind), load: Load, time: Duration) -> Measurement {
        let (server, connector) = (&ensemble.servers[kind as usize], &ensemble.connectors[kind as usize]);
        let mut caller = self.runtime.block_on(Caller::open(connector, load, &ensemble.request));
        self.runtime.block_on(caller.drive(load, time / 10));
        let measurement = self.measure(server, caller.drive(load, time));
        server.cut_log();
        measurement
    }

    fn measure(&self, server: &Server, load: impl Future<Output = Level>) -> Measurement {
        let (before, own_before) = (server.usage(), Usage::own());
        let outcome = self.runtime.block_on(load);
        let (cpu, load_cpu) = (server.usage().since(&before), Usage::own().since(&own_before));
        Measurement { outcome, cpu, load_cpu }
    }

    fn handshakes(&self, options: &Options) -> Series {
        eprintln!("handshakes");
        let servers = Kind::ALL.map(|kind| Server::start(kind, &self.pinning, self.folder.path()));
        let mut series = Series::of("handshakes");
        for _ in 0..options.alternations {
            for server in &servers {
                let connector = Connector::to(server.address, &self.authority_pem);
                self.runtime.block_on(load::shake(&connector, options.turn() / 10));
                series.add(server.kind, self.measure(server, load::shake(&connector, options.turn())));
            }
        }
        series
    }
}

/// Beside that which tells the cost: what is asked of each server, by its capacity. Of a long review so many at once would
/// be more than ours holds, and be put off.
fn loads(case: &RuleInput, cost: &Series, options: &Options) -> Vec<(&'static str, [Load; 3])> {
    let capacities = Kind::ALL.map(|kind| cost.figure(kind, Measurement::capacity).median);
    let half = ("half of its capacity", capacities.map(|capacity| Load::Open(capacity / 2.0)));
    if options.is_whole(case) && !case.is_long() {
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
