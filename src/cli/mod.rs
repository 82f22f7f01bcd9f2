//! The command line: what can be typed. Nothing is decided here.

mod doctor;
mod serve;

pub use doctor::Doctor;
pub use serve::{CacheArguments, CertificateArguments, CertificateSource, Clients, Serve};

use crate::admission::Webhook;
use crate::policy::Mode;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Takes API Management self-hosted gateways from auth keys to workload identity, and keeps them there.
///
/// `check` judges manifests before they reach a cluster, `serve` is the admission webhook that judges and mends them on
/// their way in, `explain` tells what a rule is about. All three judge alike. `doctor` examines the webhook's installation.
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
    /// Tell what is wrong with an installation in a cluster, and how to mend it
    Doctor(Doctor),
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
    #[arg(long, value_enum, default_value_t = EvaluationMode::Enforce)]
    pub mode: EvaluationMode,
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
    pub mode: EvaluationMode,
    /// What to answer: a mutating review or a validating one
    #[arg(long, value_enum)]
    pub webhook: WebhookName,
    /// The policy document
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
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
pub enum EvaluationMode {
    /// Everything is only remarked on
    Audit,
    /// Faults are mended or refused
    Enforce,
}

/// A door by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WebhookName {
    /// Remedies are carried out
    Mutating,
    /// What is wrong is refused or remarked on
    Validating,
}

impl From<EvaluationMode> for Mode {
    fn from(mode: EvaluationMode) -> Self {
        match mode {
            EvaluationMode::Audit => Self::Audit,
            EvaluationMode::Enforce => Self::Enforce,
        }
    }
}

impl From<WebhookName> for Webhook {
    fn from(webhook: WebhookName) -> Self {
        match webhook {
            WebhookName::Mutating => Self::Mutating,
            WebhookName::Validating => Self::Validating,
        }
    }
}
