//! `doctor`: checks an installation and prints what is wrong and how to fix it.

use super::cluster_checks::{INTERVAL, UnusableCluster, checked};
use super::selection::Selection;
use super::{ids, output, print_report};
use crate::cli::DoctorArguments;
use crate::cluster::{Connection, Installation, InstallationNames, dry_run_create};
use crate::doctor::{CheckInput, Probe, diagnose, namespace_to_probe, probe_deployment};
use anyhow::Context;
use apim_keyless_report::{Level, Report};
use std::process::ExitCode;
use std::time::SystemTime;
use tokio::runtime::Runtime;

/// Reads the installation, creates a gateway as a dry run, and prints the report.
pub(super) fn run(arguments: &DoctorArguments) -> anyhow::Result<ExitCode> {
    output::check(&arguments.report)?;
    let known = ids::of_doctor();
    let selection = Selection::of(&arguments.report, &known)?;
    let fail_on: Level = arguments.fail_on().into();
    let round = async || {
        let mut report = evaluate(arguments).await?;
        selection.apply(&mut report);
        Ok(report)
    };
    let runtime = Runtime::new().context("cannot start the async runtime")?;
    let mut report = runtime.block_on(checked(arguments.wait, INTERVAL, fail_on, round));
    report.rules = known;
    print_report(&report, &arguments.report, fail_on)?;
    Ok(ExitCode::from(report.exit_code(fail_on)))
}

async fn evaluate(arguments: &DoctorArguments) -> Result<Report, UnusableCluster> {
    let connection = Connection::open(&arguments.connection.settings()).await?;
    let names = InstallationNames {
        namespace: arguments.namespace.clone(),
        configurations: arguments.webhook_configurations.clone(),
        secret: arguments.ca_secret.clone(),
    };
    let installation = Box::pin(Installation::read(&connection, &names)).await.map_err(UnusableCluster::ApiServer)?;
    let input = CheckInput { names: &names, installation: &installation, probe: None, now: SystemTime::now() };
    let probe = match namespace_to_probe(&input, arguments.probe_namespace.as_deref()) {
        None => None,
        Some(namespace) => {
            let response = dry_run_create(&connection, &namespace, &probe_deployment()).await;
            Some(Probe { namespace, response })
        }
    };
    Ok(diagnose(&CheckInput { probe: probe.as_ref(), ..input }))
}
