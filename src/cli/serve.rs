//! What can be typed behind `serve`.

use crate::cluster::Scope;
use crate::server::Limits;
use crate::telemetry::LogFormat;
use clap::{Args, ValueEnum};
use humantime::parse_duration;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address for reviews, HTTPS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Address for health and metrics, plain HTTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub health_listen: SocketAddr,
    /// The policy document; without it every rule has its default mode and nothing is expected
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Once ready, send the manifests of this folder to ourselves as reviews and show what a user would see
    #[arg(long, value_name = "DIR", conflicts_with = "cluster")]
    pub examples: Option<PathBuf>,
    /// How long to keep accepting once stopped, in seconds, so that nobody who still believes us ready is turned away
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub drain_seconds: u64,
    /// How events are written; default: text on a terminal, JSON elsewhere
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Which clients are let in.
    #[command(flatten)]
    pub clients: Clients,
    /// Where the certificate comes from.
    #[command(flatten)]
    pub certificate: CertificateArguments,
    /// Bounds of the port for reviews.
    #[command(flatten)]
    pub limits: Limits,
    /// What is looked at beside the reviews.
    #[command(flatten)]
    pub cache: CacheArguments,
}

/// Arguments of `serve` about the certificate that it shows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Certificate")]
pub struct CertificateArguments {
    /// Where it comes from; default: self-managed with --cluster, else standalone
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub certificate_source: Option<CertificateSource>,
    /// Folder with ca.crt, tls.crt and tls.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub certificates: PathBuf,
    /// DNS names or IP addresses that it must be for; default: this machine, or Service apim-keyless of our namespace
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// Secret with our CAs, in our own namespace
    #[arg(long, value_name = "NAME", default_value = "apim-keyless-ca")]
    pub ca_secret: String,
    /// Name of the webhook configurations, mutating and validating, that get our CAs as caBundle
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub webhook_configurations: String,
    /// Validity of a CA; a successor is made in its second half
    #[arg(long, value_name = "DURATION", default_value = "1095d", value_parser = parse_duration)]
    pub ca_validity: Duration,
    /// Validity of a certificate of our CA; it is replaced in its last third
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_duration)]
    pub certificate_validity: Duration,
    /// How long a new CA must have been in every caBundle before it issues
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub propagation_delay: Duration,
    /// How long an old CA stays in every caBundle after its last certificate ended
    #[arg(long, value_name = "DURATION", default_value = "48h", value_parser = parse_duration)]
    pub ca_overlap: Duration,
    /// How often files, or CAs and caBundles, are compared even if nothing is told
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub check_interval: Duration,
}

/// Where the certificate of `serve` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CertificateSource {
    /// tls.crt and tls.key of --certificates, of cert-manager or anyone else
    Files,
    /// A CA of our own in a Secret, and the caBundle of every webhook entry
    SelfManaged,
    /// A CA and a certificate that are made in --certificates if it has none
    Standalone,
}

impl Serve {
    /// Where the certificate comes from.
    pub fn certificate_source(&self) -> CertificateSource {
        let default = if self.cache.cluster { CertificateSource::SelfManaged } else { CertificateSource::Standalone };
        self.certificate.certificate_source.unwrap_or(default)
    }
}

/// Which clients of `serve` are let in.
#[derive(Debug, Args)]
pub struct Clients {
    /// Let only clients in that have a certificate of this CA, read at the start; default: everyone
    #[arg(long, value_name = "FILE", conflicts_with = "examples")]
    pub client_ca: Option<PathBuf>,
    /// DNS name or common name that the certificate of a client must have; one of them, if repeated
    #[arg(long = "client-name", value_name = "NAME", requires = "client_ca")]
    pub client_names: Vec<String>,
}

/// Arguments of `serve` about the cluster that it serves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Surroundings")]
pub struct CacheArguments {
    /// Look at Namespaces, ServiceAccounts and ConfigMaps of the cluster that this is a Pod of
    #[arg(long)]
    pub cluster: bool,
    /// Reach the cluster by this file and its current context
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// Which namespaces are looked at; the same that the webhook configurations send here
    #[arg(long, value_enum, default_value_t = Scope::OptIn)]
    pub scope: Scope,
    /// Room for ServiceAccounts and ConfigMaps; what finds none is as if nobody had looked
    #[arg(long, value_name = "MEBIBYTES", default_value_t = 24)]
    pub cache_mib: usize,
}
