//! Where the certificate comes from that the server shows.

use crate::cli::{CertificateArguments, CertificateSource, Serve};
use crate::cluster::{ClusterObserver, Trust, TrustSettings};
use crate::command::certs::told;
use crate::server::{Health, Need};
use crate::telemetry::ClusterMetrics;
use crate::tls::{CertificateResolver, Certificates, RotationPeriods, ServingCertificate, certificate_in};
use anyhow::Context;
use kube::Client;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The certificate of a folder, of which the CA is known if it is ours.
pub(super) struct CertificateSetup {
    /// What clients trust, if it stands in the folder.
    pub(super) ca_pem: Option<String>,
    /// Where it comes from, in a sentence.
    pub(super) told: String,
}

/// What is shown in handshakes, and who is told of it.
#[derive(Clone)]
pub(super) struct CertificatePublisher {
    pub(super) resolver: Arc<CertificateResolver>,
    pub(super) cluster_metrics: ClusterMetrics,
}

impl CertificatePublisher {
    fn show(&self, certificate: &ServingCertificate) {
        self.resolver.show(certificate);
        self.cluster_metrics.shows(certificate.not_after());
    }
}

/// Shows a certificate from a folder, made there if it is to be, and follows what becomes of the files.
pub(super) fn from_folder(
    arguments: &Serve,
    names: &[String],
    shown: CertificatePublisher,
) -> anyhow::Result<CertificateSetup> {
    let CertificateArguments { certificates: folder, check_interval, .. } = &arguments.certificate;
    let (certificate, given) = if arguments.certificate_source() == CertificateSource::Files {
        let told = format!("shows tls.crt of {}", folder.display());
        (certificate_in(folder)?, CertificateSetup { ca_pem: None, told })
    } else {
        let certificates = Certificates::open_or_create(folder, names, SystemTime::now())?;
        let told = told(&certificates, folder);
        (certificates.certificate, CertificateSetup { ca_pem: Some(certificates.ca_pem), told })
    };
    shown.show(&certificate);
    tokio::spawn(follow(folder.clone(), certificate, shown, *check_interval));
    Ok(given)
}

/// Compares by content: a mounted Secret is replaced by swapping a link, which changes no file. A pair of which only one half
/// is new is told, and the one before stays.
async fn follow(folder: PathBuf, mut certificate: ServingCertificate, shown: CertificatePublisher, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        match certificate_in(&folder) {
            Ok(read)
                if read.certificate_pem() == certificate.certificate_pem()
                    && read.key_pem() == certificate.key_pem() => {}
            Ok(read) => {
                tracing::info!(folder = %folder.display(), "shows a new certificate");
                shown.show(&read);
                certificate = read;
            }
            Err(error) => tracing::warn!(%error, "the certificate before stays"),
        }
    }
}

/// Keeps CAs, certificate and caBundles in the cluster; before callers trust it, the server is not ready.
pub(super) fn self_managed(client: &Client, arguments: &Serve, shown: CertificatePublisher, health: &Arc<Health>) {
    let observer = Arc::new(shown.cluster_metrics);
    let (trust, mut trusted) = Trust::new(client, settings(client, arguments), shown.resolver, observer);
    tokio::spawn(trust.run());
    let health = health.clone();
    tokio::spawn(async move {
        loop {
            match trusted.borrow_and_update().clone() {
                Ok(()) => health.has(Need::Certificate),
                Err(reason) => health.lacks(Need::Certificate, reason),
            }
            if trusted.changed().await.is_err() {
                return health.lacks(Need::Certificate, "nobody looks after the certificate any more");
            }
        }
    });
}

fn settings(client: &Client, arguments: &Serve) -> TrustSettings {
    let certificate = &arguments.certificate;
    let namespace = client.default_namespace().to_owned();
    let names = match certificate.names.as_slice() {
        [] => vec![format!("apim-keyless.{namespace}.svc")],
        names => names.to_vec(),
    };
    TrustSettings {
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

/// What a server in a cluster is reached by, in a sentence for the log.
pub(super) const SELF_MANAGED: &str = "keeps its own CA in the cluster";

/// The client of the API server, if the cluster is to be used.
pub(super) async fn cluster(arguments: &Serve) -> anyhow::Result<Option<Client>> {
    let cache = &arguments.cache;
    if !cache.cluster {
        return Ok(None);
    }
    let client = crate::cluster::client(cache.kubeconfig.as_deref()).await;
    client.map(Some).context("cannot use the cluster")
}
