//! The command line: commands and flags. Nothing is decided here.

mod doctor;
mod messages;
mod serve;
mod values;

pub use doctor::DoctorArguments;
pub use messages::MessageArguments;
pub use serve::{CacheArguments, CertificateArguments, CertificateSource, ClientArguments, ServeArguments};

use crate::admission::Webhook;
use apim_keyless_core::policy::Mode;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Move Azure API Management self-hosted gateways from auth keys to Microsoft Entra workload identity and keep them
/// there.
///
/// `check` evaluates manifests before they reach a cluster. `serve` is the admission webhook: it evaluates objects when
/// they are written, sets what is missing and denies what is wrong. `explain` describes a rule. All three use the same
/// rules. `doctor` checks an installation of the webhook.
#[derive(Debug, Parser)]
#[command(name = "apim-keyless", version, arg_required_else_help = true)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a CA and a certificate that it issues, and print the caBundle for a webhook configuration
    Certs(CertsArguments),
    /// Check manifests in files, folders or stdin
    Check(CheckArguments),
    /// Check an installation in a cluster, and print what is wrong and how to fix it
    Doctor(DoctorArguments),
    /// Describe a rule, with examples
    Explain(ExplainArguments),
    /// Answer one AdmissionReview: read it from stdin and print the response that the webhook would give
    Review(ReviewArguments),
    /// Run the admission webhook
    Serve(Box<ServeArguments>),
}

/// Arguments of `certs`.
#[derive(Debug, Args)]
pub struct CertsArguments {
    /// Folder for ca.crt, ca.key, tls.crt and tls.key; files that can still be used are kept
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub certificates: PathBuf,
    /// DNS names or IP addresses for the certificate; the name of a Service is SERVICE.NAMESPACE.svc
    #[arg(required = true, value_name = "NAME", value_parser = values::certificate_name)]
    pub names: Vec<String>,
}

/// Exit codes of `check`, for its long help.
const CHECK_EXIT_CODES: &str = "Exit codes:
  0  no error was found; with --strict no fixable finding either
  1  an error was found; with --strict an error or a fixable finding
  2  a file or document could not be read, and the rest was evaluated; or the command could not start: a wrong flag, \
an invalid policy";

/// Exit codes of `review`, for its long help.
const REVIEW_EXIT_CODES: &str = "Exit codes:
  0  the object is allowed
  1  the object is denied
  2  the review could not be read; or the command could not start: a wrong flag, an invalid policy";

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_long_help = CHECK_EXIT_CODES)]
pub struct CheckArguments {
    /// YAML or JSON files, folders of them (with subfolders), or - for stdin
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Evaluate every namespace in this mode
    #[arg(long, value_enum, default_value_t = EvaluationMode::Enforce)]
    pub mode: EvaluationMode,
    /// Path to the policy document. Default: every rule has its default mode, and no values are
    /// configured for any namespace
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace of objects without metadata.namespace
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = values::namespace)]
    pub namespace: String,
    /// Exit with code 1 for fixable findings too, not only for errors
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// Id of the rule. Default: list all rules, each with its default mode and a summary
    pub rule: Option<String>,
}

/// Arguments of `review`.
#[derive(Debug, Args)]
#[command(after_long_help = REVIEW_EXIT_CODES)]
pub struct ReviewArguments {
    /// Mode to evaluate in; audit exists for the validating webhook only
    #[arg(long, value_enum)]
    pub mode: EvaluationMode,
    /// Webhook to answer as
    #[arg(long, value_enum)]
    pub webhook: WebhookName,
    /// Path to the policy document. Default: every rule has its default mode, and no values are
    /// configured for any namespace
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Messages of the response.
    #[command(flatten)]
    pub messages: MessageArguments,
}

/// Output format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One JSON document with a version
    Json,
    /// Text for people
    Text,
}

/// Mode in which objects are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvaluationMode {
    /// Every finding is a warning
    Audit,
    /// Findings are errors or fixable, unless their rule is in audit mode
    Enforce,
}

/// One of the two webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WebhookName {
    /// Apply fixes; deny nothing
    Mutating,
    /// Deny errors and warn about the rest; change nothing
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
