//! The arguments of `migrate`.

use super::values;
use clap::Args;
use std::path::PathBuf;

/// Exit codes of `migrate`, for its long help.
const EXIT_CODES: &str = "Exit codes:
  0  every gateway was migrated, or was before
  1  with --check: a file would change
  2  a gateway could not be migrated, and the rest was; or no gateway was found; or the command could not start";

/// Arguments of `migrate`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_long_help = EXIT_CODES)]
pub struct MigrateArguments {
    /// Files with manifests, Helm values, Terraform or scripts, folders of them (with subfolders), or - for stdin (YAML or
    /// JSON), which is written to stdout
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// Client id of the Entra app or the managed identity. Default: that of the ServiceAccount, of the policy, or of the
    /// gateway's Entra app
    #[arg(long, value_name = "GUID", value_parser = values::guid)]
    pub client_id: Option<String>,
    /// Tenant id, if it is not that of the cluster. Default: that of the gateway's Entra app
    #[arg(long, value_name = "GUID", value_parser = values::guid)]
    pub tenant_id: Option<String>,
    /// Name of the gateway resource in API Management, if the input has one gateway. Default: the old setting, else the
    /// name in the old endpoint or key, else the name of the workload
    #[arg(long, value_name = "NAME", value_parser = values::gateway_name)]
    pub gateway_name: Option<String>,
    /// Address of the configuration API. Default: the old one, in the form of version 2
    #[arg(long, value_name = "ADDRESS", value_parser = values::endpoint)]
    pub endpoint: Option<String>,
    /// Name of the ServiceAccount. Default: the old one, unless it is `default`
    #[arg(long, value_name = "NAME", value_parser = values::service_account)]
    pub service_account: Option<String>,
    /// Tag of the gateway's image. Default: the old one, if it supports workload identity
    #[arg(long, value_name = "TAG", value_parser = values::image_tag)]
    pub image_tag: Option<String>,
    /// Ask on the terminal for what is missing
    #[arg(long)]
    pub interactive: bool,
    /// Write the changed files into this folder, and leave the input as it is
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Print the changes as a diff, and write nothing
    #[arg(long)]
    pub diff: bool,
    /// Write nothing, and exit with code 1 if a file would change
    #[arg(long)]
    pub check: bool,
    /// Print the steps that are left after a migration, and write nothing. With the files as they were before a
    /// migration it prints its steps again
    #[arg(long)]
    pub checklist: bool,
    /// Write a policy document to this file: the values that the namespaces of the gateways expect
    #[arg(long, value_name = "FILE")]
    pub write_policy: Option<PathBuf>,
    /// File with the policy: the policy document, the ConfigMap that holds it, or values of the Helm chart. Default: as
    /// for `check`
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace of objects without metadata.namespace. Default: default
    #[arg(short, long, value_name = "NAME", value_parser = values::namespace)]
    pub namespace: Option<String>,
}

impl MigrateArguments {
    /// Whether nothing is written.
    pub fn shows_only(&self) -> bool {
        self.diff || self.check || self.checklist
    }

    /// Namespace of objects without metadata.namespace.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }
}
