//! What can be typed behind `doctor`.

use super::Output;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Reach the cluster by this file and its current context; default: the cluster that this is a Pod of
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace that apim-keyless is installed in
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub namespace: String,
    /// Name of its webhook configurations, mutating and validating
    #[arg(long, value_name = "NAME", default_value = "apim-keyless")]
    pub webhook_configurations: String,
    /// Secret with its CAs, of which the certificates alone are looked at
    #[arg(long, value_name = "NAME", default_value = "apim-keyless-ca")]
    pub ca_secret: String,
    /// Where a gateway is written by dry run, which stores nothing; default: the first namespace that is judged
    #[arg(long, value_name = "NAME")]
    pub probe_namespace: Option<String>,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Exit with 1 also for warnings
    #[arg(long)]
    pub strict: bool,
}
