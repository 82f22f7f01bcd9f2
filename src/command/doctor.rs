//! `doctor`: what is wrong with an installation, and how to mend it.

use super::print;
use crate::cli::{Doctor, Output};
use crate::cluster::{Installation, InstallationNames, client, create_dry};
use crate::doctor::{CheckInput, Diagnosis, Probe, deployment, diagnose, json, namespace_to_probe, text};
use anyhow::{Context, anyhow};
use std::process::ExitCode;
use std::time::SystemTime;
use tokio::runtime::Runtime;

/// Reads the installation, writes a gateway that is not stored, and tells what is wrong.
pub(super) fn run(arguments: &Doctor) -> anyhow::Result<ExitCode> {
    let diagnosis = Runtime::new().context("cannot start the runtime")?.block_on(evaluate(arguments))?;
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
    let installation = installation.map_err(|unread| anyhow!("cannot use the cluster: {}", unread.reason))?;
    let input = CheckInput { names: &names, installation: &installation, probe: None, now: SystemTime::now() };
    let probe = match namespace_to_probe(&input, arguments.probe_namespace.as_deref()) {
        None => None,
        Some(namespace) => {
            let response = create_dry(&client, &namespace, &deployment()).await;
            Some(Probe { namespace, response })
        }
    };
    Ok(diagnose(&CheckInput { probe: probe.as_ref(), ..input }))
}
