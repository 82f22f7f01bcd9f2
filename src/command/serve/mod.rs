//! `serve`: the admission webhook, standalone or in a cluster.

mod audit;
mod cache;
mod certificates;
mod policy;
mod scan;
mod signals;
mod traces;

use super::policy::read;
use super::{cause, examples, print};
use crate::admission::SecondLook;
use crate::admission::routes::{AdmissionState, router_with_limit};
use crate::cli::{CertificateSource, ClientArguments, ServeArguments};
use crate::server::{
    Condition, Drain, Health, HttpsClient, SERVING_THREADS, ServerSettings, bind, health_router, serve, serve_plain,
};
use crate::telemetry::{Metrics, TraceExporter, start_log};
use crate::tls::{CertificateResolver, allow_any_client, require_client_certificate};
use anyhow::{Context, anyhow, bail};
use apim_keyless_core::policy::Policy;
use apim_keyless_manifest::STANDARD_INPUT;
use arc_swap::ArcSwap;
use audit::Audit;
use certificates::{CertificatePublisher, CertificateSetup, SELF_MANAGED, cluster, from_folder, self_managed};
use rustls::server::danger::ClientCertVerifier;
use signals::Signals;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use traces::Traces;

/// Serves until SIGTERM or Ctrl-C, then drains and exits with code 0. A second signal ends the process at once.
pub(super) fn run(arguments: &ServeArguments) -> anyhow::Result<ExitCode> {
    start_log(arguments.log_format)?;
    runtime().context("cannot start the async runtime")?.block_on(Server::open(arguments)?.run())?;
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> io::Result<Runtime> {
    let threads = available_parallelism().map_or(1, NonZero::get).min(SERVING_THREADS);
    Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

/// Everything that the server needs before it opens a port.
struct Server<'a> {
    arguments: &'a ServeArguments,
    state: Arc<AdmissionState>,
    metrics: Metrics,
    health: Arc<Health>,
    /// The text of the policy document in use.
    policy_text: Option<String>,
    trace_exporter: Option<TraceExporter>,
}

impl<'a> Server<'a> {
    fn open(arguments: &'a ServeArguments) -> anyhow::Result<Self> {
        if let Some(directory) = &arguments.examples {
            examples::check(directory)?;
        }
        if arguments.policy.as_deref() == Some(Path::new(STANDARD_INPUT)) {
            bail!("--policy -: the server reads the policy again while it runs; name a file");
        }
        let (policy, policy_text) = match &arguments.policy {
            None => (Policy::default(), None),
            Some(path) => read(path).map(|(policy, text)| (policy, Some(text)))?,
        };
        let mut metrics = Metrics::default();
        let trace_exporter = arguments.otlp_endpoint.clone().map(|endpoint| metrics.export_traces(endpoint));
        let state = AdmissionState {
            policy: ArcSwap::from_pointee(policy),
            related: Arc::default(),
            messages: arguments.messages.options(),
            second_look: SecondLook::default(),
            observer: Box::new(metrics.clone()),
        };
        Ok(Self {
            arguments,
            state: Arc::new(state),
            metrics,
            health: Arc::new(Health::new()),
            policy_text,
            trace_exporter,
        })
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let traces = self.trace_exporter.take().map(Traces::start);
        let (resolver, setup) = self.prepare().await?;
        let config = Arc::new(resolver.server_config(client_verifier(&self.arguments.clients)?)?);
        let reviews_listener = bind(self.arguments.listen, "HTTPS", "--listen").await?;
        let health_listener = bind(self.arguments.health_listen, "health and metrics", "--health-listen").await?;
        let (reviews_address, health_address) = (reviews_listener.local_addr()?, health_listener.local_addr()?);
        let mut signals = Signals::new()?;
        let audit = Audit::start(self.arguments, &self.state, self.metrics.audit())?;
        self.serve_health(health_listener);

        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut server =
            tokio::spawn(serve(reviews_listener, config, self.settings(), async move { _ = stopped.await }));
        tracing::info!(reviews = %reviews_address, health = %health_address, certificates = setup.description, "listening");
        self.health.set_met(Condition::Start);
        tokio::select! {
            ended = &mut server => return ended.context("the server has stopped unexpectedly"),
            outcome = self.show_examples(reviews_address, health_address, &setup) => outcome?,
            () = signals.next() => {}
        }
        self.health.drain();
        tracing::info!("draining");
        drop(stop);
        let stop_audit = async {
            if let Some(audit) = audit {
                audit.stop().await;
            }
        };
        let stop_traces = async {
            if let Some(traces) = traces {
                traces.stop().await;
            }
        };
        tokio::select! {
            (ended, ()) = async {
                let (ended, ()) = tokio::join!(server, stop_audit);
                // the last reviews have spans, too
                stop_traces.await;
                (ended, ())
            } => {
                ended.context("the server has stopped unexpectedly")
            }
            () = signals.next() => {
                tracing::warn!("stopped by a second signal; running requests were aborted");
                Ok(())
            }
        }
    }

    /// Starts the tasks that keep the certificate, the cache and the policy document up to date.
    async fn prepare(&self) -> anyhow::Result<(Arc<CertificateResolver>, CertificateSetup)> {
        let runtime_metrics = self.metrics.runtime_metrics();
        let publisher = CertificatePublisher { resolver: Arc::default(), runtime_metrics: runtime_metrics.clone() };
        let resolver = publisher.resolver.clone();
        let client = cluster(self.arguments).await?;
        let setup = match (&client, self.arguments.certificate_source()) {
            (Some(client), CertificateSource::SelfManaged) => {
                self_managed(client, self.arguments, publisher, &self.health);
                CertificateSetup { ca_pem: None, description: SELF_MANAGED.to_owned() }
            }
            (None, CertificateSource::SelfManaged) => {
                bail!("--certificate-source self-managed stores its CAs in a cluster; add --cluster")
            }
            _ => from_folder(self.arguments, &names(self.arguments), publisher)?,
        };
        if let Some(client) = client {
            cache::watch(client, &self.arguments.cache, &self.state, &self.health, runtime_metrics.clone());
        }
        if let (Some(path), Some(text)) = (self.arguments.policy.clone(), self.policy_text.clone()) {
            tokio::spawn(policy::reload(path, text, self.state.clone(), self.health.clone(), runtime_metrics));
        }
        Ok((resolver, setup))
    }

    fn settings(&self) -> ServerSettings {
        ServerSettings {
            router: router_with_limit(self.state.clone(), self.arguments.limits.body_bytes),
            limits: self.arguments.limits,
            drain: drain(self.arguments.drain_seconds),
            health: self.health.clone(),
            observer: Arc::new(self.metrics.connections()),
        }
    }

    /// Serves the health port until the process ends.
    fn serve_health(&self, listener: TcpListener) {
        let (health, metrics) = (self.health.clone(), self.metrics.clone());
        tokio::spawn(serve_plain(listener, health_router(health, move || metrics.to_text()), pending()));
    }

    /// Prints the examples if `--examples` is set. It never returns without an error: the server keeps running.
    async fn show_examples(
        &self,
        reviews: SocketAddr,
        health: SocketAddr,
        setup: &CertificateSetup,
    ) -> anyhow::Result<()> {
        if let (Some(directory), Some(ca_pem)) = (&self.arguments.examples, &setup.ca_pem) {
            let names = names(self.arguments);
            let name = names.first().map(String::as_str).unwrap_or_default();
            let client = HttpsClient::new(ca_pem, reviews, name)?;
            print(&examples::show(&client, directory).await?)?;
            print(&self.endpoints_text(reviews, health))?;
        }
        pending().await
    }

    fn endpoints_text(&self, reviews: SocketAddr, health: SocketAddr) -> String {
        let ca = self.arguments.certificate.certificates.join("ca.crt");
        format!(
            "\nserving reviews at https://{reviews}/enforce/mutate, /enforce/validate and /audit/validate; CA: {}\n\
             serving http://{health}/readyz, /livez and /metrics\n\
             press Ctrl-C to stop\n",
            ca.display()
        )
    }
}

/// The names of the certificate: `--name`, else this host.
fn names(arguments: &ServeArguments) -> Vec<String> {
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

/// Verifies client certificates on the port for reviews.
fn client_verifier(clients: &ClientArguments) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let Some(path) = &clients.client_ca else { return Ok(allow_any_client()) };
    let context = || format!("cannot use --client-ca {}", path.display());
    let ca = std::fs::read_to_string(path).map_err(|error| anyhow!(cause(&error))).with_context(context)?;
    require_client_certificate(&ca, clients.client_names.clone()).with_context(context)
}
