//! The source of the serving certificate: a folder, or CAs in the cluster.

use crate::cli::{CertificateArguments, CertificateSource, ServeArguments};
use crate::cluster::{
    CertificateManager, CertificateSettings, ClusterObserver, Connection, ConnectionSettings, TrustStatus,
};
use crate::command::certs;
use crate::server::{Condition, Health};
use crate::telemetry::RuntimeMetrics;
use crate::tls::{CertificateResolver, Certificates, RotationPeriods, ServingCertificate, read_serving_certificate};
use anyhow::Context;
use kube::Client;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::spawn_blocking;

/// What is known of the serving certificate at startup.
pub(super) struct CertificateSetup {
    /// The CA certificate that clients must trust, if it is in the folder of a standalone server.
    pub(super) ca_pem: Option<String>,
    /// Where the certificate comes from, for the log.
    pub(super) description: String,
}

/// Serves a certificate in TLS handshakes and records its expiry in a metric.
#[derive(Clone)]
pub(super) struct CertificatePublisher {
    pub(super) resolver: Arc<CertificateResolver>,
    pub(super) runtime_metrics: RuntimeMetrics,
}

impl CertificatePublisher {
    fn publish(&self, certificate: &ServingCertificate) {
        self.resolver.serve(certificate);
        self.runtime_metrics.certificate_loaded(certificate.not_after());
    }
}

/// Serves the certificate of a folder and hot-reloads it. A standalone server creates it if it is missing.
pub(super) fn from_folder(
    arguments: &ServeArguments,
    names: &[String],
    publisher: CertificatePublisher,
) -> anyhow::Result<CertificateSetup> {
    let CertificateArguments { certificates: folder, check_interval, .. } = &arguments.certificate;
    let (certificate, setup) = if arguments.certificate_source() == CertificateSource::Files {
        let description = format!("serving {}/tls.crt", folder.display());
        (read_serving_certificate(folder)?, CertificateSetup { ca_pem: None, description })
    } else {
        let certificates = Certificates::open_or_create(folder, names, SystemTime::now())?;
        let description = certs::description(&certificates, folder);
        (certificates.certificate, CertificateSetup { ca_pem: Some(certificates.ca_pem), description })
    };
    publisher.publish(&certificate);
    tokio::spawn(reload(folder.clone(), certificate, publisher, *check_interval));
    Ok(setup)
}

/// Hot-reloads the certificate of a folder until the process ends. It compares the content of the files: the kubelet
/// updates a mounted Secret by replacing a symbolic link. If certificate and key do not belong together, it logs a
/// warning and keeps serving the previous pair.
async fn reload(
    folder: PathBuf,
    mut certificate: ServingCertificate,
    publisher: CertificatePublisher,
    interval: Duration,
) {
    loop {
        tokio::time::sleep(interval).await;
        let path = folder.clone();
        // the folder can be on a slow file system: an async worker must not wait for it
        let Ok(read) = spawn_blocking(move || read_serving_certificate(&path)).await else { continue };
        match read {
            Ok(read)
                if read.certificate_pem() == certificate.certificate_pem()
                    && read.key_pem() == certificate.key_pem() => {}
            Ok(read) => {
                tracing::info!(folder = %folder.display(), "serves a new certificate");
                publisher.publish(&read);
                certificate = read;
            }
            Err(error) => tracing::warn!(%error, "cannot load the new certificate; the previous one stays in use"),
        }
    }
}

/// Rotates CAs, serving certificate and caBundles in the cluster. The server is not ready until every webhook entry
/// trusts its certificate.
pub(super) fn self_managed(
    client: &Client,
    arguments: &ServeArguments,
    publisher: CertificatePublisher,
    health: &Arc<Health>,
) {
    let observer = Arc::new(publisher.runtime_metrics);
    let (manager, mut trusted) =
        CertificateManager::new(client, settings(client, arguments), publisher.resolver, observer);
    // before the first task runs: otherwise the server could be ready before it has a certificate
    record_trust(health, &trusted.borrow_and_update());
    tokio::spawn(manager.run());
    let health = health.clone();
    tokio::spawn(async move {
        while trusted.changed().await.is_ok() {
            record_trust(&health, &trusted.borrow_and_update());
        }
        health.set_unmet(Condition::Certificate, "the certificate rotation has stopped; restart the Pod");
    });
}

fn record_trust(health: &Health, status: &TrustStatus) {
    match status {
        Ok(()) => health.set_met(Condition::Certificate),
        Err(reason) => health.set_unmet(Condition::Certificate, reason.as_str()),
    }
}

fn settings(client: &Client, arguments: &ServeArguments) -> CertificateSettings {
    let certificate = &arguments.certificate;
    let namespace = client.default_namespace().to_owned();
    let names = match certificate.names.as_slice() {
        [] => vec![format!("apim-keyless.{namespace}.svc")],
        names => names.to_vec(),
    };
    CertificateSettings {
        namespace,
        secret: certificate.ca_secret.clone(),
        configurations: certificate.webhook_configurations.clone(),
        names,
        periods: RotationPeriods {
            ca: certificate.ca_validity,
            certificate: certificate.certificate_validity,
            propagation_delay: certificate.propagation_delay,
            ca_overlap: certificate.ca_overlap,
        },
        interval: certificate.check_interval,
    }
}

/// The description of a self-managed certificate, for the log.
pub(super) const SELF_MANAGED: &str = "self-managed, with CAs in the cluster";

/// A client of the API server, if `--cluster` is set. Without `--kubeconfig` it is that of this Pod's cluster: the server
/// writes, so it must not use the context that a user last selected.
pub(super) async fn cluster(arguments: &ServeArguments) -> anyhow::Result<Option<Client>> {
    if !arguments.cache.cluster {
        return Ok(None);
    }
    let connection = Connection::open(&connection_settings(arguments)).await.context("cannot use the cluster")?;
    Ok(Some(connection.with_outage_log().client))
}

/// How the server reaches its cluster.
pub(super) fn connection_settings(arguments: &ServeArguments) -> ConnectionSettings {
    let kubeconfig = arguments.cache.kubeconfig.clone();
    ConnectionSettings { kubeconfig, repeats_calls: true, ..ConnectionSettings::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::telemetry::Metrics;
    use clap::Parser;
    use std::process;
    use std::sync::mpsc::channel;
    use tokio::runtime::Builder;

    fn publisher() -> CertificatePublisher {
        CertificatePublisher { resolver: Arc::default(), runtime_metrics: Metrics::default().runtime_metrics() }
    }

    #[tokio::test]
    async fn the_server_lacks_a_certificate_before_any_task_runs() {
        let client = Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        let Command::Serve(arguments) = Cli::parse_from(["apim-keyless", "serve", "--cluster"]).command else {
            unreachable!()
        };
        let health = Arc::new(Health::new());
        self_managed(&client, &arguments, publisher(), &health);
        health.set_met(Condition::Start);
        assert!(!health.is_ready());
    }

    /// A FIFO without a writer blocks its reader, as a folder on a hanging network file system does.
    #[test]
    fn a_file_that_cannot_be_read_blocks_no_other_task() {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Certificates::open_or_create(folder.path(), &["localhost".to_owned()], SystemTime::now());
        let fifo = folder.path().join("tls.crt");
        std::fs::remove_file(&fifo).unwrap();
        assert!(process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let (sender, receiver) = channel();
        let path = folder.path().to_owned();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let certificate = certificate.unwrap().certificate;
                tokio::spawn(reload(path, certificate, publisher(), Duration::from_millis(1)));
                tokio::time::sleep(Duration::from_millis(100)).await;
            });
            sender.send(()).unwrap();
            runtime.shutdown_background();
        });
        let other_task = receiver.recv_timeout(Duration::from_secs(20));
        // unblocks the reader
        drop(std::fs::OpenOptions::new().write(true).open(&fifo));
        assert_eq!(other_task, Ok(()));
    }
}
