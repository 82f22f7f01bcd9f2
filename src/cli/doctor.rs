//! Arguments of `doctor`.

use super::Output;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Path to the kubeconfig file; its current context is used. Default: the cluster and ServiceAccount of the Pod
    /// that runs this command
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace that apim-keyless is installed in
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub namespace: String,
    /// Name of the mutating and the validating webhook configuration
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub webhook_configurations: String,
    /// Name of the Secret with the CAs; only its certificates are used, its keys are discarded
    #[arg(long, value_name = "NAME", default_value = "apim-keyless-ca")]
    pub ca_secret: String,
    /// Namespace to create a gateway Deployment in as a dry run, which stores nothing. Default: the first namespace
    /// that the mutating webhook selects, else the first that a validating webhook selects
    #[arg(long, value_name = "NAME")]
    pub probe_namespace: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Exit with code 1 for warnings too, not only for errors
    #[arg(long)]
    pub strict: bool,
}
