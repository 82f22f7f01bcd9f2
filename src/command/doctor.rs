//! `doctor`: checks an installation and prints what is wrong and how to fix it.

use super::print_report;
use crate::cli::DoctorArguments;
use crate::cluster::{Installation, InstallationNames, client, dry_run_create};
use crate::doctor::{CheckInput, Probe, diagnose, namespace_to_probe, probe_deployment};
use anyhow::{Context, anyhow};
use apim_keyless_report::{Level, Report};
use std::process::ExitCode;
use std::time::SystemTime;
use tokio::runtime::Runtime;

/// Reads the installation, creates a gateway as a dry run, and prints the report.
pub(super) fn run(arguments: &DoctorArguments) -> anyhow::Result<ExitCode> {
    let report = Runtime::new().context("cannot start the async runtime")?.block_on(evaluate(arguments))?;
    print_report(&report, arguments.output)?;
    let fail_on = if arguments.strict { Level::Warning } else { Level::Error };
    Ok(ExitCode::from(report.exit_code(fail_on)))
}

async fn evaluate(arguments: &DoctorArguments) -> anyhow::Result<Report> {
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
