//! Arguments of `audit`.

use super::values::{namespace, positive_duration};
use super::{ConnectionArguments, EvaluationMode, FailOn, ReportArguments};
use crate::cluster::ConnectionSettings;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Exit codes of `audit`, for its long help.
const EXIT_CODES: &str = "Exit codes:
  0  no finding of the level of --fail-on or worse; by default: no error. Findings of a namespace that is not enforced do \
not count
  1  such a finding
  2  something could not be read, and the rest was evaluated; or the command could not start: a wrong flag, no cluster";

/// Arguments of `audit`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_long_help = EXIT_CODES)]
pub struct AuditArguments {
    /// Path to the kubeconfig file. Default, as for kubectl: the files of the environment variable `KUBECONFIG`, else
    /// ~/.kube/config, else the cluster and ServiceAccount of the Pod that runs this command
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; repeat it for several clusters. Default: the current context
    #[arg(long = "context", value_name = "NAME")]
    pub contexts: Vec<String>,
    /// All contexts of the kubeconfig
    #[arg(long, conflicts_with = "contexts")]
    pub all_contexts: bool,
    /// Only this namespace; repeat it for several. Default: all namespaces
    #[arg(short, long = "namespace", value_name = "NAME", value_parser = namespace)]
    pub namespaces: Vec<String>,
    /// File with the policy: the policy document, the ConfigMap that holds it, or values of the Helm chart. Default: the
    /// policy document of the installation in each cluster, else every rule has its default mode
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace that apim-keyless is installed in, for its policy document
    #[arg(long, value_name = "NAME", default_value = "apim-keyless", value_parser = namespace)]
    pub installation_namespace: String,
    /// Evaluate every namespace in this mode. Default: the mode of its label apim-keyless.dev/mode
    #[arg(long, value_enum)]
    pub mode: Option<EvaluationMode>,
    /// The mode of a namespace without the label
    #[arg(long, value_enum, default_value = "audit")]
    pub default_mode: EvaluationMode,
    /// Print the findings, too, not only the table of the gateways
    #[arg(long)]
    pub details: bool,
    /// Read the names of Secrets, too, to say which Secrets of keys still exist although no gateway uses them. Only their
    /// metadata is asked for; but RBAC cannot grant less than "list" on secrets, which allows to read their content
    #[arg(long)]
    pub secrets: bool,
    /// Compare with this earlier JSON report, and print what is fixed, new and unchanged
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// Read the clusters again after this time, until the command is ended, and print what changes
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "1m", value_parser = positive_duration)]
    pub watch: Option<Duration>,
    /// The same as --fail-on fixable
    #[arg(long, conflicts_with = "fail_on")]
    pub strict: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArguments,
}

impl AuditArguments {
    /// The mildest level that makes the exit code 1.
    pub fn fail_on(&self) -> FailOn {
        if self.strict { FailOn::Fixable } else { self.report.fail_on }
    }

    /// The settings of a connection to a context; `None` for the current one.
    pub fn settings(&self, context: Option<String>) -> ConnectionSettings {
        ConnectionArguments { kubeconfig: self.kubeconfig.clone(), context }.settings()
    }
}
