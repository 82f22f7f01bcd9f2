//! The command line: commands and flags. Nothing is decided here.

mod audit;
mod connection;
mod doctor;
mod explain;
mod fix;
mod generate;
mod messages;
mod migrate;
mod plan;
mod report;
mod serve;
mod values;
mod verify;

pub use audit::AuditArguments;
pub use connection::ConnectionArguments;
pub use doctor::DoctorArguments;
pub use explain::ExplainArguments;
pub use fix::FixArguments;
pub use generate::{
    GatewayArguments, GatewayOutput, GenerateArguments, Generated, MutatingPolicyArguments, NativePolicyArguments,
    ValidatingPolicyArguments,
};
pub use messages::MessageArguments;
pub use migrate::MigrateArguments;
pub use plan::{IdentityArgument, PlanArguments, PlanOutput, ScopeArgument};
pub use report::{FailOn, Output, ReportArguments};
pub use serve::{
    CacheArguments, CertificateArguments, CertificateSource, ClientArguments, ScanArguments, ServeArguments,
};
pub(crate) use values::{endpoint, gateway_name, guid};
pub use verify::VerifyArguments;

use crate::admission::Webhook;
use apim_keyless_core::policy::Mode;
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Move Azure API Management self-hosted gateways from auth keys to Microsoft Entra workload identity and keep them
/// there.
///
/// `check` evaluates manifests before they reach a cluster. `serve` is the admission webhook: it evaluates objects when
/// they are written, sets what is missing and denies what is wrong. `explain` describes a rule. All three use the same
/// rules. `migrate` changes manifests to workload identity, and `plan` prints what Azure needs for it. `doctor` checks an
/// installation of the webhook, `verify` a gateway in a cluster, and `audit` lists the gateways of clusters.
#[derive(Debug, Parser)]
#[command(name = "apim-keyless", version = VERSION, arg_required_else_help = true)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
    /// Colors: auto (on a terminal, unless `NO_COLOR` is set), always or never
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, hide_possible_values = true)]
    pub color: ColorChoice,
}

/// The version of the package, in a release build with the commit and its date (`build.rs`).
pub(crate) const VERSION: &str = env!("APIM_KEYLESS_VERSION");

/// The file name by which kubectl finds the plugin `kubectl apim-keyless`.
const PLUGIN: &str = "kubectl-apim_keyless";

impl Cli {
    /// Parses the arguments of a process, of which the first is the path of the program. Called as a plugin of kubectl,
    /// the usage names `kubectl apim-keyless`.
    ///
    /// # Errors
    /// The arguments are invalid, or they ask for the help or the version.
    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let program = arguments.first().and_then(|program| Path::new(program).file_stem());
        let mut command = Self::command();
        if program.is_some_and(|name| name == PLUGIN) {
            command = command.bin_name("kubectl apim-keyless");
        }
        Self::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the gateways of clusters: how each authenticates, and what an enforced namespace would deny or set
    Audit(Box<AuditArguments>),
    /// Create a CA and a certificate that it issues, and print the caBundle for a webhook configuration
    Certs(CertsArguments),
    /// Check manifests in files, folders or stdin
    Check(Box<CheckArguments>),
    /// Print the completions for a shell
    Completions(CompletionsArguments),
    /// Check an installation in a cluster, and print what is wrong and how to fix it
    Doctor(DoctorArguments),
    /// Describe a rule, a code of doctor or verify or an error code of Entra, or list the effective settings of gateways in files
    Explain(ExplainArguments),
    /// Write the fixes of findings into the files, and change nothing else in them
    Fix(FixArguments),
    /// Write the manifests of a first gateway with workload identity, or Kubernetes' own admission policies
    Generate(Box<GenerateArguments>),
    /// Write the man pages
    #[command(hide = true)]
    Man(ManArguments),
    /// Change manifests from an auth key or an Entra app to workload identity, and print the steps that are left
    Migrate(Box<MigrateArguments>),
    /// Print what Azure needs so that gateways authenticate with workload identity: as text, script or template
    Plan(Box<PlanArguments>),
    /// Answer one AdmissionReview: read it from stdin and print the response that the webhook would give
    Review(ReviewArguments),
    /// Print a JSON schema, for editors and CI
    Schema(SchemaArguments),
    /// Run the admission webhook
    Serve(Box<ServeArguments>),
    /// Find out why a gateway in a cluster does not work; writes nothing
    Verify(Box<VerifyArguments>),
    /// Print the version, the commit and its date
    Version,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Folder for the man pages, one a command
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
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
  0  no finding of the level of --fail-on or worse; by default: no error. Findings of a namespace in audit mode do not \
count
  1  such a finding
  2  a file or document could not be evaluated, and the rest was; or nothing was evaluated at all; or the command could \
not start: a wrong flag, an invalid policy";

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
    #[arg(required_unless_present = "files", value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// The same as the argument, as kubectl has it
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR|-", hide = true)]
    pub files: Vec<PathBuf>,
    /// Evaluate every namespace in this mode. Default: the mode of its Namespace, if that is among the objects and has
    /// label apim-keyless.dev/mode, else enforce
    #[arg(long, value_enum)]
    pub mode: Option<EvaluationMode>,
    /// The objects are the whole content of their namespaces: report a ServiceAccount or ConfigMap that a gateway names
    /// and that is not among them
    #[arg(long)]
    pub complete: bool,
    /// Check the output of `kustomize build`, or else `kubectl kustomize`, for each folder
    #[arg(long)]
    pub kustomize: bool,
    /// File with the policy: the policy document, the ConfigMap that holds it, or values of the Helm chart; - for
    /// stdin. Default: the file that the environment variable `APIM_KEYLESS_POLICY` names, else apim-keyless.yaml in this
    /// folder or in one above, up to the root of the repository or the home folder; else every rule has its default mode,
    /// and no values are configured for any namespace
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace of objects without metadata.namespace
    #[arg(short, long, value_name = "NAME", default_value = "default", value_parser = values::namespace)]
    pub namespace: String,
    /// The same as --fail-on fixable
    #[arg(long, conflicts_with = "fail_on")]
    pub strict: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArguments,
    /// Do not count the findings of this baseline: they are known. Write it with --write-baseline
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write all findings to this baseline
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
}

impl CheckArguments {
    /// Everything to read.
    pub fn inputs(&self) -> Vec<PathBuf> {
        self.paths.iter().chain(&self.files).cloned().collect()
    }

    /// The mildest level that makes the exit code 1.
    pub fn fail_on(&self) -> FailOn {
        if self.strict { FailOn::Fixable } else { self.report.fail_on }
    }
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
    /// File with the policy: the policy document, the ConfigMap that holds it, or values of the Helm chart. Default: as
    /// for `check`
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Messages of the response.
    #[command(flatten)]
    pub messages: MessageArguments,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Which schema
    #[arg(value_enum, value_name = "NAME")]
    pub name: SchemaName,
}

/// A JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// Of the plans that `plan --output json` writes
    Plan,
    /// Of the policy document
    Policy,
    /// Of the reports that --output json writes
    Report,
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
