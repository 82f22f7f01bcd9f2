//! Arguments of `doctor`.

use super::values::{duration, namespace};
use super::{ConnectionArguments, FailOn, ReportArguments};
use clap::Args;
use std::time::Duration;

/// Exit codes of `doctor`, for its long help.
const EXIT_CODES: &str = "Exit codes:
  0  no problem of the level of --fail-on or worse; by default: no error
  1  such a problem was found
  2  something could not be read, and the rest was checked; or the command could not start: a wrong flag, no cluster";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct DoctorArguments {
    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Namespace that apim-keyless is installed in
    #[arg(short, long, value_name = "NAME", default_value = "apim-keyless", value_parser = namespace)]
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
    /// Repeat the checks until all of them pass, at most for this time, for example 2m. A finding that
    /// makes the exit code 1 does not pass. Without it the checks are made once
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,
    /// The same as --fail-on warning
    #[arg(long, conflicts_with = "fail_on")]
    pub strict: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArguments,
}

impl DoctorArguments {
    /// The mildest level that makes the exit code 1.
    pub fn fail_on(&self) -> FailOn {
        if self.strict { FailOn::Warning } else { self.report.fail_on }
    }
}
