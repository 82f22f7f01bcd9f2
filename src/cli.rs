//! The command line: what can be typed. Nothing is decided here.

use crate::admission::Door;
use crate::cluster::Scope;
use crate::policy::Mode;
use crate::server::Limits;
use crate::telemetry::LogFormat;
use clap::{Args, Parser, Subcommand, ValueEnum};
use humantime::parse_duration;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Takes API Management self-hosted gateways from auth keys to workload identity, and keeps them there.
///
/// `check` judges manifests before they reach a cluster, `serve` is the admission webhook that judges and mends them on
/// their way in, `explain` tells what a rule is about. All three judge alike.
#[derive(Debug, Parser)]
#[command(name = "apim-keyless", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// One verb each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a CA and a certificate signed by it, and print the caBundle for a webhook configuration
    Certs(Certs),
    /// Judge manifests: files, folders, or - for stdin
    Check(Check),
    /// Tell what a rule is about, with examples
    Explain(Explain),
    /// Answer one AdmissionReview from stdin on stdout, as the server would
    Review(Review),
    /// Run the admission webhook
    Serve(Box<Serve>),
}

/// Arguments of `certs`.
#[derive(Debug, Args)]
pub struct Certs {
    /// Folder for ca.crt, ca.key, tls.crt and tls.key; what is there already is kept
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub certificates: PathBuf,
    /// DNS names or IP addresses that the certificate is for; a Service is SERVICE.NAMESPACE.svc
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// What to judge: YAML or JSON files, folders of such, or - for stdin
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Judge as an enforced namespace would, or as an audited one
    #[arg(long, value_enum, default_value_t = JudgedMode::Enforce)]
    pub mode: JudgedMode,
    /// The policy document; without it every rule has its default mode and nothing is expected
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace of objects that name none
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub namespace: String,
    /// Exit with 1 also for what the webhook would mend
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Id of the rule; without it, the list of all rules
    pub rule: Option<String>,
}

/// Arguments of `review`.
#[derive(Debug, Args)]
pub struct Review {
    /// Mode of the door; there is no mutation in audit
    #[arg(long, value_enum)]
    pub mode: JudgedMode,
    /// What to answer: a mutating review or a validating one
    #[arg(long, value_enum)]
    pub door: DoorName,
    /// The policy document
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

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
    pub surroundings: Surroundings,
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
    pub authority_secret: String,
    /// Name of the webhook configurations, mutating and validating, that get our CAs as caBundle
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub webhook_configurations: String,
    /// Validity of a CA; a successor is made in its second half
    #[arg(long, value_name = "DURATION", default_value = "1095d", value_parser = parse_duration)]
    pub authority_validity: Duration,
    /// Validity of a certificate of our CA; it is replaced in its last third
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_duration)]
    pub leaf_validity: Duration,
    /// How long a new CA must have been in every caBundle before it issues
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub trust_hold: Duration,
    /// How long an old CA stays in every caBundle after its last certificate ended
    #[arg(long, value_name = "DURATION", default_value = "48h", value_parser = parse_duration)]
    pub retirement_margin: Duration,
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
        let default =
            if self.surroundings.cluster { CertificateSource::SelfManaged } else { CertificateSource::Standalone };
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
pub struct Surroundings {
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
    pub room: usize,
}

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For machines; the form is versioned
    Json,
    /// For people
    Text,
}

/// A mode in which something is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JudgedMode {
    /// Everything is only remarked on
    Audit,
    /// Faults are mended or refused
    Enforce,
}

/// A door by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DoorName {
    /// Remedies are carried out
    Mutate,
    /// What is wrong is refused or remarked on
    Validate,
}

impl From<JudgedMode> for Mode {
    fn from(mode: JudgedMode) -> Self {
        match mode {
            JudgedMode::Audit => Self::Audit,
            JudgedMode::Enforce => Self::Enforce,
        }
    }
}

impl From<DoorName> for Door {
    fn from(door: DoorName) -> Self {
        match door {
            DoorName::Mutate => Self::Mutate,
            DoorName::Validate => Self::Validate,
        }
    }
}
