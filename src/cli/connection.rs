//! Arguments about the cluster, the same for every command that reads one.

use crate::cluster::ConnectionSettings;
use clap::Args;
use std::env;
use std::path::PathBuf;

/// Arguments about the cluster.
#[derive(Debug, Args)]
pub struct ConnectionArguments {
    /// Path to the kubeconfig file. Default, as for kubectl: the files of the environment variable `KUBECONFIG`, else
    /// ~/.kube/config, else the cluster and ServiceAccount of the Pod that runs this command
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig. Default: its current context
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl ConnectionArguments {
    /// The settings of these arguments and of the environment.
    pub fn settings(&self) -> ConnectionSettings {
        let files = env::var_os("KUBECONFIG").unwrap_or_default();
        ConnectionSettings {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            environment_files: env::split_paths(&files).filter(|path| !path.as_os_str().is_empty()).collect(),
            default_file: env::home_dir().map(|home| home.join(".kube/config")),
            repeats_calls: false,
        }
    }
}
