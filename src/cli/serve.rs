//! Arguments of `serve`.

use super::MessageArguments;
use super::values::{
    cache_stale_after, certificate_name, duration, listen_address, mebibytes, namespace, positive_duration,
    whole_number,
};
use crate::cluster::Scope;
use crate::server::Limits;
use crate::telemetry::{LogFormat, OtlpEndpoint};
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Address for admission reviews (HTTPS)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443", value_parser = listen_address)]
    pub listen: SocketAddr,
    /// Address for health and metrics (plain HTTP)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = listen_address)]
    pub health_listen: SocketAddr,
    /// File with the policy, which is hot-reloaded: the policy document, the ConfigMap that holds it, or values of the Helm
    /// chart. Default: every rule has its default mode, and no values are
    /// configured for any namespace
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Folder with example manifests: once ready, send each to this server as reviews and print what a user would see
    #[arg(long, value_name = "DIR", conflicts_with = "cluster")]
    pub examples: Option<PathBuf>,
    /// Seconds to keep accepting connections after SIGTERM, until clients have stopped using this replica. 0: exit as
    /// soon as the running requests are answered
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = whole_number, allow_negative_numbers = true)]
    pub drain_seconds: u64,
    /// Format of the log. Default: text if stderr is a terminal, else json
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Export a span of each review whose trace the API server records, to an OpenTelemetry collector at this address
    /// (OTLP over plain HTTP). Default: no traces
    #[arg(long, value_name = "URL", value_parser = OtlpEndpoint::parse)]
    pub otlp_endpoint: Option<OtlpEndpoint>,
    /// Which clients may connect.
    #[command(flatten)]
    pub clients: ClientArguments,
    /// Where the serving certificate comes from.
    #[command(flatten)]
    pub certificate: CertificateArguments,
    /// Limits of the port for reviews.
    #[command(flatten)]
    pub limits: Limits,
    /// Which objects of the cluster are cached.
    #[command(flatten)]
    pub cache: CacheArguments,
    /// The audit of the cluster.
    #[command(flatten)]
    pub audit: ScanArguments,
    /// Messages of the responses.
    #[command(flatten)]
    pub messages: MessageArguments,
}

/// Arguments of `serve` about its serving certificate.
#[derive(Debug, Args)]
#[command(next_help_heading = "Certificate")]
pub struct CertificateArguments {
    /// Where the serving certificate comes from. Default: self-managed with --cluster, else standalone
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub certificate_source: Option<CertificateSource>,
    /// Folder with tls.crt and tls.key; with standalone also ca.crt and ca.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub certificates: PathBuf,
    /// DNS name or IP address for the serving certificate; repeatable. Default: apim-keyless.NAMESPACE.svc if
    /// self-managed; localhost, its IP addresses and the IP address that this server listens on if standalone
    #[arg(long = "name", value_name = "NAME", value_parser = certificate_name)]
    pub names: Vec<String>,
    /// Name of the Secret with the CAs, in the namespace of this Pod
    #[arg(long, value_name = "NAME", default_value = "apim-keyless-ca")]
    pub ca_secret: String,
    /// Name of the mutating and the validating webhook configuration, whose entries get the CAs as caBundle
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub webhook_configurations: String,
    /// Validity of a CA; its successor is created in the second half
    #[arg(long, value_name = "DURATION", default_value = "1095d", value_parser = positive_duration)]
    pub ca_validity: Duration,
    /// Validity of a serving certificate; it is renewed in the last third
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = positive_duration)]
    pub certificate_validity: Duration,
    /// How long a new CA must be in every caBundle before it issues certificates, so that every API server trusts it
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub propagation_delay: Duration,
    /// How long an old CA stays in every caBundle after its last certificate has expired
    #[arg(long, value_name = "DURATION", default_value = "48h", value_parser = duration)]
    pub ca_overlap: Duration,
    /// How often to check the certificate files, or the CAs and caBundles, even without a change event
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = positive_duration)]
    pub check_interval: Duration,
}

/// Where the serving certificate of `serve` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CertificateSource {
    /// tls.crt and tls.key in --certificates, written by cert-manager or another tool; hot-reloaded
    Files,
    /// An own CA in --ca-secret, which is written into the caBundle of every webhook entry
    SelfManaged,
    /// A CA and a certificate in --certificates; created if missing
    Standalone,
}

impl ServeArguments {
    /// Where the serving certificate comes from.
    pub fn certificate_source(&self) -> CertificateSource {
        let default = if self.cache.cluster { CertificateSource::SelfManaged } else { CertificateSource::Standalone };
        self.certificate.certificate_source.unwrap_or(default)
    }
}

/// Which clients may connect to `serve`.
#[derive(Debug, Args)]
pub struct ClientArguments {
    /// Path to a CA certificate: accept only clients with a certificate of this CA. Read once at startup. Default:
    /// accept every client
    #[arg(long, value_name = "FILE", conflicts_with = "examples")]
    pub client_ca: Option<PathBuf>,
    /// DNS name or common name that a client certificate must have; if repeated, one of them
    #[arg(long = "client-name", value_name = "NAME", requires = "client_ca")]
    pub client_names: Vec<String>,
}

/// Arguments of `serve` about the cluster and its cache.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cache")]
pub struct CacheArguments {
    /// Watch and cache Namespaces, ServiceAccounts and ConfigMaps of the cluster that this process runs in. Without it
    /// only the object of the review is known
    #[arg(long)]
    pub cluster: bool,
    /// Path to the kubeconfig file; its current context is used. Default: the cluster and ServiceAccount of this Pod
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespaces to cache. It must equal the chart's value `scope`, which decides the namespaces that the webhook
    /// configurations select
    #[arg(long, value_enum, default_value_t = Scope::OptIn)]
    pub scope: Scope,
    /// Memory for cached ServiceAccounts and ConfigMaps, in MiB. Objects beyond it are not cached and count as unknown;
    /// the namespace that holds the most loses first
    #[arg(long, value_name = "MEBIBYTES", default_value_t = 24, value_parser = mebibytes, allow_negative_numbers = true)]
    pub cache_mib: usize,
    /// How long the API server may send nothing about Namespaces, ServiceAccounts or ConfigMaps before what is cached of
    /// them counts as unknown; at least 10s
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = cache_stale_after)]
    pub cache_stale_after: Duration,
}

/// Arguments of `serve` about the audit of the cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Audit")]
pub struct ScanArguments {
    /// Audit all gateways of the cluster again this long after the last audit. One replica does it, and shows the result as
    /// metrics, policy reports and Events. 0: no audit
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration, requires = "cluster")]
    pub audit_interval: Duration,
    /// Namespaces that are not audited, separated by commas. Those with the label apim-keyless.dev/mode: off are not
    /// audited, either
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = namespace)]
    pub audit_excluded_namespaces: Vec<String>,
}
