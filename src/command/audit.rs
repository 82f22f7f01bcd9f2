//! `audit`: lists the gateways of clusters, and what is wrong with them.

use super::policy;
use super::progress::Progress;
use super::selection::Selection;
use super::{cause, ids, output, print, print_to_stderr};
use crate::audit::{AuditInput, Earlier, changes, evaluate};
use crate::cli::{AuditArguments, Output};
use crate::cluster::{Connection, Inventory, InventoryRequest, LeftoverScope, Pace, read_policy};
use anyhow::{Context, anyhow, bail};
use apim_keyless_core::policy::{Level, Mode, Policy, namespace_mode, printable, utc_date};
use apim_keyless_manifest::read_limited;
use apim_keyless_report::{Failure, Location, Report, text};
use humantime::format_rfc3339_seconds;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// Reads the clusters, and prints their gateways.
pub(super) fn run(arguments: &AuditArguments) -> anyhow::Result<ExitCode> {
    output::check(&arguments.report)?;
    let known = ids::of_check();
    let selection = Selection::of(&arguments.report, &known)?;
    if arguments.watch.is_some() && arguments.report.output != Output::Text {
        bail!("--watch prints text; leave out --watch or --output");
    }
    let earlier = arguments.since.as_deref().map(read_earlier).transpose()?;
    let policy = arguments.policy.as_deref().map(policy::read).transpose()?.map(|(policy, _)| policy);
    let contexts = contexts(arguments)?;
    let auditor = Auditor { arguments, selection, policy, contexts };
    let fail_on: Level = arguments.fail_on().into();
    let runtime = Runtime::new().context("cannot start the async runtime")?;
    let mut report = runtime.block_on(auditor.audit());
    report.changes = earlier.as_ref().map(|earlier| changes(earlier, &report));
    report.rules = known;
    output::print_inventory(&report, &arguments.report, fail_on, arguments.details)?;
    match arguments.watch {
        Some(interval) => runtime.block_on(auditor.watch(report, interval)),
        None => Ok(ExitCode::from(report.exit_code(fail_on))),
    }
}

/// The contexts to read; `None` for the current one.
fn contexts(arguments: &AuditArguments) -> anyhow::Result<Vec<Option<String>>> {
    if arguments.all_contexts {
        return Ok(Connection::contexts(&arguments.settings(None))?.into_iter().map(Some).collect());
    }
    Ok(match arguments.contexts.as_slice() {
        [] => vec![None],
        names => names.iter().cloned().map(Some).collect(),
    })
}

fn read_earlier(path: &Path) -> anyhow::Result<Earlier> {
    let name = path.display();
    let bytes = File::open(path).and_then(read_limited);
    let bytes = bytes.map_err(|error| anyhow!("cannot read the earlier report {name}: {}", cause(&error)))?;
    let text = String::from_utf8_lossy(&bytes);
    Earlier::parse(&text).map_err(|error| anyhow!("{name}:{error}"))
}

struct Auditor<'a> {
    arguments: &'a AuditArguments,
    selection: Selection,
    /// The policy of `--policy`.
    policy: Option<Policy>,
    contexts: Vec<Option<String>>,
}

impl Auditor<'_> {
    /// The report of all clusters. One that cannot be used is a failure, and the others are read.
    async fn audit(&self) -> Report {
        let mut report = Report { gateways: Some(Vec::new()), ..Report::default() };
        for context in &self.contexts {
            match self.audit_context(context.clone()).await {
                Ok(of_cluster) => report.append(of_cluster),
                Err(error) => {
                    let place = context.as_ref().map(|context| format!("context {context}: ")).unwrap_or_default();
                    let message = format!("{place}cannot use the cluster: {error}");
                    report.failures.push(Failure { location: Location::default(), message });
                }
            }
        }
        report.number_fingerprints();
        report.sort_by_object();
        self.selection.apply(&mut report);
        report.rate_gateways();
        report
    }

    /// Reads the clusters again and again, and prints what changes. It ends only with an error of stdout.
    async fn watch(&self, mut report: Report, interval: Duration) -> anyhow::Result<ExitCode> {
        loop {
            sleep(interval).await;
            let next = self.audit().await;
            let now = format_rfc3339_seconds(SystemTime::now());
            for line in changes(&Earlier::of(&report), &next).lines() {
                print(&format!("{now} {}\n", printable(&line)))?;
            }
            for line in text::failures(&next) {
                print_to_stderr(&line);
            }
            report = next;
        }
    }

    async fn audit_context(&self, context: Option<String>) -> anyhow::Result<Report> {
        let arguments = self.arguments;
        let connection = Connection::open(&arguments.settings(context)).await?;
        let cluster = connection.server().cluster.clone();
        let installed = if self.policy.is_some() {
            Ok(Policy::default())
        } else {
            let namespace = &arguments.installation_namespace;
            policy::installed(read_policy(&connection, namespace).await, namespace)
        };
        let (installed, policy_error) = match installed {
            Ok(policy) => (policy, None),
            Err(error) => (Policy::default(), Some(error)),
        };
        let policy = self.policy.as_ref().unwrap_or(&installed);
        let forced_mode = arguments.mode.map(Mode::from);
        let is_evaluated = |_: &str, labels: &_| forced_mode.or_else(|| namespace_mode(labels)) != Some(Mode::Off);
        let line = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&line);
        let _progress = Progress::start(move || shown.lock().map(|line| line.clone()).unwrap_or_default());
        let place = cluster.as_ref().map(|cluster| format!("{cluster}: ")).unwrap_or_default();
        let progress = |resource: &str, count: usize| {
            if let Ok(mut line) = line.lock() {
                *line = format!("{place}reading {resource}; {count} objects so far");
            }
        };
        let request = InventoryRequest {
            namespaces: &arguments.namespaces,
            images: &policy.images,
            is_evaluated: &is_evaluated,
            expected_config_maps: &|namespace, annotations| {
                policy.expectations(namespace, annotations).config_maps.into_iter().collect()
            },
            leftovers: if arguments.secrets { LeftoverScope::WithSecrets } else { LeftoverScope::WithoutSecrets },
            progress: &progress,
            pace: Pace::UNLIMITED,
        };
        let mut inventory = Inventory::read(&connection, &request).await;
        inventory.errors.extend(policy_error);
        Ok(evaluate(&AuditInput {
            inventory: &inventory,
            cluster: cluster.as_deref(),
            policy,
            forced_mode,
            default_mode: arguments.default_mode.into(),
            today: utc_date(SystemTime::now()),
        }))
    }
}
