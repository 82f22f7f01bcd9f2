//! Arguments of `verify`.

use super::values::{authority, duration, namespace};
use super::{ConnectionArguments, FailOn, ReportArguments};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What `--sign-in` does, and the exit codes of `verify`, for its long help.
const AFTER_HELP: &str = "With --sign-in, verify asks the API server for a token of the gateway's ServiceAccount (a \
TokenRequest, the only object that it creates; nothing is stored for it). This needs the right:
  create serviceaccounts/token in the gateway's namespace
The token is valid for 10 minutes, goes to Entra's token endpoint and nowhere else, and is never printed or written. Entra \
logs the attempt.

Exit codes:
  0  no problem of the level of --fail-on or worse; by default: no error. Findings of a namespace in audit mode do not \
count
  1  such a problem was found
  2  something could not be read, and the rest was checked; or there is no such gateway; or the command could not start: a \
wrong flag, no cluster";

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct VerifyArguments {
    /// The gateway's workload. Default: every gateway of the namespace
    #[arg(value_name = "NAME|KIND/NAME")]
    pub gateway: Option<String>,
    /// The cluster.
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Namespace of the gateway. Default: that of the context
    #[arg(short, long, value_name = "NAME", value_parser = namespace)]
    pub namespace: Option<String>,
    /// Exchange a token of the gateway's ServiceAccount at Entra, as the gateway does, and call its configuration endpoint.
    /// Needs the right to create serviceaccounts/token
    #[arg(long)]
    pub sign_in: bool,
    /// Address of Entra. Default: that of the cloud of the gateway's endpoint, such as `https://login.microsoftonline.com`
    #[arg(long, value_name = "URL", requires = "sign_in", value_parser = authority)]
    pub authority: Option<String>,
    /// File with the CAs, in PEM, of the servers outside of the cluster: Entra, the issuer of the tokens and the
    /// configuration endpoint. Default: those of this machine
    #[arg(long, value_name = "FILE", requires = "sign_in")]
    pub ca: Option<PathBuf>,
    /// File with the federated credentials of the app or identity, to compare with: the JSON of
    /// `az ad app federated-credential list` or `az identity federated-credential list`
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
    /// File with the policy: the policy document, the ConfigMap that holds it, or values of the Helm chart. Default: the
    /// document of the installed webhook; without one every rule has its default mode
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace that apim-keyless is installed in
    #[arg(long, value_name = "NAME", default_value = "apim-keyless", value_parser = namespace)]
    pub installation_namespace: String,
    /// Repeat the checks until all of them pass, at most for this time, for example 5m. A finding that makes the exit code
    /// 1 does not pass. Without it the checks are made once
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,
    /// The same as --fail-on warning
    #[arg(long, conflicts_with = "fail_on")]
    pub strict: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArguments,
}

impl VerifyArguments {
    /// The mildest level that makes the exit code 1.
    pub fn fail_on(&self) -> FailOn {
        if self.strict { FailOn::Warning } else { self.report.fail_on }
    }
}
