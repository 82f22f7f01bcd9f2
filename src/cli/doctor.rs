//! Arguments of `doctor`.

use super::Output;
use super::values::namespace;
use clap::Args;
use std::path::PathBuf;

/// Exit codes of `doctor`, for its long help.
const EXIT_CODES: &str = "Exit codes:
  0  no error was found; with --strict no warning either
  1  an error was found; with --strict an error or a warning
  2  something could not be read, and the rest was checked; or the command could not start: a wrong flag, no cluster";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct DoctorArguments {
    /// Path to the kubeconfig file; its current context is used. Default: the cluster and ServiceAccount of the Pod
    /// that runs this command
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace that apim-keyless is installed in
    #[arg(long, value_name = "NAME", default_value = "apim-keyless", value_parser = namespace)]
    pub namespace: String,
    /// Name of the mutating and the validating webhook configuration
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub webhook_configurations: String,
    /// Name of the Secret with the CAs; only its certificates are used, its keys are discarded
    #[arg(long, value_name = "NAME", default_value = "apim-keyless-ca")]
    pub ca_secret: String,
    /// Namespace to create a gateway Deployment in as a dry run, which stores nothing. Default: the first namespace
    /// that the mutating webhook selects, else the first that a validating webhook selects
    #[arg(long, value_name = "NAME", value_parser = namespace)]
    pub probe_namespace: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Exit with code 1 for warnings too, not only for errors
    #[arg(long)]
    pub strict: bool,
}
