//! `serve`: the admission webhook, standalone or in a cluster.

use super::certs::told;
use super::{examples, print, read_policy};
use crate::admission::routes::{Doors, router};
use crate::cli::{Clients, Serve};
use crate::server::{Client, Drain, Health, Site, bind, health_router, serve, serve_plain};
use crate::telemetry::{Metrics, start_log};
use crate::tls::{Certificates, Leaf, clients_of};
use anyhow::Context;
use rustls::ServerConfig;
use std::future::pending;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Serves until SIGTERM or Ctrl-C, drains, and ends with 0. A second signal ends it at once.
pub(super) fn run(arguments: &Serve) -> anyhow::Result<ExitCode> {
    start_log(arguments.log_format);
    Runtime::new().context("cannot start the runtime")?.block_on(Server::open(arguments)?.run())?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that a server needs before it takes a port.
struct Server<'a> {
    arguments: &'a Serve,
    names: Vec<String>,
    certificates: Certificates,
    doors: Arc<Doors>,
    metrics: Metrics,
}

impl<'a> Server<'a> {
    fn open(arguments: &'a Serve) -> anyhow::Result<Self> {
        let policy = read_policy(arguments.policy.as_deref())?;
        let names = names(arguments);
        let certificates = Certificates::open_or_create(&arguments.certificates, &names, SystemTime::now())?;
        let metrics = Metrics::default();
        let doors = Arc::new(Doors { policy, observer: Box::new(metrics.clone()) });
        Ok(Self { arguments, names, certificates, doors, metrics })
    }

    async fn run(self) -> anyhow::Result<()> {
        let config = Arc::new(tls(&self.certificates.leaf, &self.arguments.clients)?);
        let reviews = bind(self.arguments.listen, "HTTPS", "--listen").await?;
        let health = bind(self.arguments.health_listen, "health and metrics", "--health-listen").await?;
        let addresses = (reviews.local_addr()?, health.local_addr()?);
        let mut signals = Signals::new()?;
        let state = self.answer_health(health);

        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let site = self.site(state.clone());
        let mut server = tokio::spawn(serve(reviews, config, site, async move { _ = stopped.await }));
        state.ready();
        tracing::info!(reviews = %addresses.0, health = %addresses.1, certificates = told(&self.certificates, &self.arguments.certificates), "listening");
        tokio::select! {
            ended = &mut server => return ended.context("the server broke down"),
            shown = self.show_examples(addresses) => shown?,
            () = signals.next() => {}
        }
        state.drain();
        tracing::info!("draining");
        drop(stop);
        tokio::select! {
            ended = server => ended.context("the server broke down"),
            () = signals.next() => {
                tracing::warn!("stopped by a second signal, requests in flight were cut");
                Ok(())
            }
        }
    }

    fn site(&self, health: Arc<Health>) -> Site {
        Site {
            router: router(self.doors.clone()),
            limits: self.arguments.limits,
            drain: drain(self.arguments.drain_seconds),
            health,
            observer: Arc::new(self.metrics.connections()),
        }
    }

    /// The health port answers as long as the process lives.
    fn answer_health(&self, listener: TcpListener) -> Arc<Health> {
        let (state, metrics) = (Arc::new(Health::new()), self.metrics.clone());
        tokio::spawn(serve_plain(listener, health_router(state.clone(), move || metrics.to_text()), pending()));
        state
    }

    /// Shows the examples, if any are asked for, and goes on for ever, as the server does.
    async fn show_examples(&self, addresses: (SocketAddr, SocketAddr)) -> anyhow::Result<()> {
        if let Some(directory) = &self.arguments.examples {
            let name = self.names.first().map(String::as_str).unwrap_or_default();
            let client = Client::new(&self.certificates.authority_pem, addresses.0, name)?;
            print(&examples::show(&client, directory).await?)?;
            print(&self.how_to_reach(addresses))?;
        }
        pending().await
    }

    fn how_to_reach(&self, (reviews, health): (SocketAddr, SocketAddr)) -> String {
        let authority = self.arguments.certificates.join("ca.crt");
        format!(
            "\nserving reviews at https://{reviews}/enforce/mutate, /enforce/validate and /audit/validate; trust {}\n\
             serving http://{health}/readyz, /livez and /metrics\n\
             Ctrl-C ends it\n",
            authority.display()
        )
    }
}

/// What the certificate is for: what was asked for, else this machine.
fn names(arguments: &Serve) -> Vec<String> {
    if !arguments.names.is_empty() {
        return arguments.names.clone();
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let ip = arguments.listen.ip();
    if !ip.is_loopback() && !ip.is_unspecified() {
        names.push(ip.to_string());
    }
    names
}

fn drain(seconds: u64) -> Drain {
    match seconds {
        0 => Drain::standalone(),
        seconds => Drain { lag: Duration::from_secs(seconds), ..Drain::default() },
    }
}

fn tls(leaf: &Leaf, clients: &Clients) -> anyhow::Result<ServerConfig> {
    let Some(path) = &clients.client_ca else { return Ok(leaf.server_config()?) };
    let told = || format!("cannot let clients of {} in", path.display());
    let authority = std::fs::read_to_string(path).with_context(told)?;
    Ok(leaf.server_config_for(clients_of(&authority, clients.client_names.clone()).with_context(told)?)?)
}

/// What asks us to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
