//! `serve`: the admission webhook, standalone or in a cluster.

mod cache;
mod certificates;
mod policy;
mod signals;

use super::{examples, print, read_policy_text};
use crate::admission::routes::{AdmissionState, router};
use crate::cli::{CertificateSource, Clients, Serve};
use crate::server::{Drain, Health, HttpsClient, Need, ServerSettings, bind, health_router, serve, serve_plain};
use crate::telemetry::{Metrics, start_log};
use crate::tls::{CertificateResolver, clients_of, everyone};
use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use certificates::{CertificatePublisher, CertificateSetup, SELF_MANAGED, cluster, from_folder, self_managed};
use rustls::server::danger::ClientCertVerifier;
use signals::Signals;
use std::future::pending;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Serves until SIGTERM or Ctrl-C, drains, and ends with 0. A second signal ends it at once.
pub(super) fn run(arguments: &Serve) -> anyhow::Result<ExitCode> {
    start_log(arguments.log_format);
    Runtime::new().context("cannot start the runtime")?.block_on(Server::open(arguments)?.run())?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that a server needs before it takes a port.
struct Server<'a> {
    arguments: &'a Serve,
    state: Arc<AdmissionState>,
    metrics: Metrics,
    health: Arc<Health>,
    /// The text of the policy document that the doors judge by.
    policy: Option<String>,
}

impl<'a> Server<'a> {
    fn open(arguments: &'a Serve) -> anyhow::Result<Self> {
        let (policy, text) = read_policy_text(arguments.policy.as_deref())?;
        let metrics = Metrics::default();
        let state = AdmissionState {
            policy: ArcSwap::from_pointee(policy),
            related: Arc::default(),
            observer: Box::new(metrics.clone()),
        };
        Ok(Self { arguments, state: Arc::new(state), metrics, health: Arc::new(Health::new()), policy: text })
    }

    async fn run(self) -> anyhow::Result<()> {
        let (shown, certificates) = self.prepare().await?;
        let config = Arc::new(shown.server_config(clients(&self.arguments.clients)?)?);
        let reviews = bind(self.arguments.listen, "HTTPS", "--listen").await?;
        let health = bind(self.arguments.health_listen, "health and metrics", "--health-listen").await?;
        let addresses = (reviews.local_addr()?, health.local_addr()?);
        let mut signals = Signals::new()?;
        self.answer_health(health);

        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut server = tokio::spawn(serve(reviews, config, self.site(), async move { _ = stopped.await }));
        tracing::info!(reviews = %addresses.0, health = %addresses.1, certificates = certificates.told, "listening");
        self.health.has(Need::Start);
        tokio::select! {
            ended = &mut server => return ended.context("the server broke down"),
            shown = self.show_examples(addresses, &certificates) => shown?,
            () = signals.next() => {}
        }
        self.health.drain();
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

    /// Begins to look after the certificate, the surroundings and the policy document.
    async fn prepare(&self) -> anyhow::Result<(Arc<CertificateResolver>, CertificateSetup)> {
        let cluster_metrics = self.metrics.cluster_metrics();
        let shown = CertificatePublisher { resolver: Arc::default(), cluster_metrics: cluster_metrics.clone() };
        let resolver = shown.resolver.clone();
        let client = cluster(self.arguments).await?;
        let given = match (&client, self.arguments.certificate_source()) {
            (Some(client), CertificateSource::SelfManaged) => {
                self_managed(client, self.arguments, shown, &self.health);
                CertificateSetup { ca_pem: None, told: SELF_MANAGED.to_owned() }
            }
            (None, CertificateSource::SelfManaged) => {
                bail!("self-managed certificates are kept in a cluster; add --cluster")
            }
            _ => from_folder(self.arguments, &names(self.arguments), shown)?,
        };
        if let Some(client) = client {
            cache::watch(client, &self.arguments.cache, &self.state, (&self.health, cluster_metrics.clone()));
        }
        if let (Some(path), Some(text)) = (self.arguments.policy.clone(), self.policy.clone()) {
            tokio::spawn(policy::follow((path, text), self.state.clone(), self.health.clone(), cluster_metrics));
        }
        Ok((resolver, given))
    }

    fn site(&self) -> ServerSettings {
        ServerSettings {
            router: router(self.state.clone()),
            limits: self.arguments.limits,
            drain: drain(self.arguments.drain_seconds),
            health: self.health.clone(),
            observer: Arc::new(self.metrics.connections()),
        }
    }

    /// The health port answers as long as the process lives.
    fn answer_health(&self, listener: TcpListener) {
        let (health, metrics) = (self.health.clone(), self.metrics.clone());
        tokio::spawn(serve_plain(listener, health_router(health, move || metrics.to_text()), pending()));
    }

    /// Shows the examples, if any are asked for, and goes on for ever, as the server does.
    async fn show_examples(
        &self,
        addresses: (SocketAddr, SocketAddr),
        certificates: &CertificateSetup,
    ) -> anyhow::Result<()> {
        if let (Some(directory), Some(ca_pem)) = (&self.arguments.examples, &certificates.ca_pem) {
            let names = names(self.arguments);
            let name = names.first().map(String::as_str).unwrap_or_default();
            let client = HttpsClient::new(ca_pem, addresses.0, name)?;
            print(&examples::show(&client, directory).await?)?;
            print(&self.how_to_reach(addresses))?;
        }
        pending().await
    }

    fn how_to_reach(&self, (reviews, health): (SocketAddr, SocketAddr)) -> String {
        let ca = self.arguments.certificate.certificates.join("ca.crt");
        format!(
            "\nserving reviews at https://{reviews}/enforce/mutate, /enforce/validate and /audit/validate; trust {}\n\
             serving http://{health}/readyz, /livez and /metrics\n\
             Ctrl-C ends it\n",
            ca.display()
        )
    }
}

/// What the certificate is for: what was asked for, else this machine.
fn names(arguments: &Serve) -> Vec<String> {
    if !arguments.certificate.names.is_empty() {
        return arguments.certificate.names.clone();
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

/// Whom the port for reviews lets in.
fn clients(clients: &Clients) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let Some(path) = &clients.client_ca else { return Ok(everyone()) };
    let told = || format!("cannot let clients of {} in", path.display());
    let ca = std::fs::read_to_string(path).with_context(told)?;
    clients_of(&ca, clients.client_names.clone()).with_context(told)
}
