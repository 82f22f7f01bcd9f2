//! `doctor`: checks an installation and prints what is wrong and how to fix it.

use super::print;
use crate::cli::{Doctor, Output};
use crate::cluster::{Installation, InstallationNames, client, dry_run_create};
use crate::doctor::{CheckInput, Diagnosis, Probe, diagnose, json, namespace_to_probe, probe_deployment, text};
use anyhow::{Context, anyhow};
use std::process::ExitCode;
use std::time::SystemTime;
use tokio::runtime::Runtime;

/// Reads the installation, creates a gateway as a dry run, and prints the diagnosis.
pub(super) fn run(arguments: &Doctor) -> anyhow::Result<ExitCode> {
    let diagnosis = Runtime::new().context("cannot start the async runtime")?.block_on(evaluate(arguments))?;
    match arguments.output {
        Output::Json => print(&json::render(&diagnosis))?,
        Output::Text => print(&text::render(&diagnosis))?,
    }
    Ok(ExitCode::from(diagnosis.exit_code(arguments.strict)))
}

async fn evaluate(arguments: &Doctor) -> anyhow::Result<Diagnosis> {
    let client = client(arguments.kubeconfig.as_deref()).await.context("cannot use the cluster")?;
    let names = InstallationNames {
        namespace: arguments.namespace.clone(),
        configurations: arguments.webhook_configurations.clone(),
        secret: arguments.ca_secret.clone(),
    };
    let installation = Box::pin(Installation::read(&client, &names)).await;
    let installation = installation.map_err(|read_error| anyhow!("cannot use the cluster: {}", read_error.reason))?;
    let input = CheckInput { names: &names, installation: &installation, probe: None, now: SystemTime::now() };
    let probe = match namespace_to_probe(&input, arguments.probe_namespace.as_deref()) {
        None => None,
        Some(namespace) => {
            let response = dry_run_create(&client, &namespace, &probe_deployment()).await;
            Some(Probe { namespace, response })
        }
    };
    Ok(diagnose(&CheckInput { probe: probe.as_ref(), ..input }))
}
