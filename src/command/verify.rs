//! `verify`: finds out why a gateway in a cluster does not work.

use super::cluster_checks::{INTERVAL, UnusableCluster, checked};
use super::policy::UsedPolicy;
use super::selection::Selection;
use super::{cause, ids, output, policy, print_report};
use crate::cli::VerifyArguments;
use crate::cluster::{
    Connection, InstallationNames, OutsideServers, PodLog, RunningNamespace, TokenResponse, read_log, request_token,
};
use crate::entra::{endpoint_status, exchange, read_issuer};
use crate::verify::{
    EvaluatedNamespace, SignIn, SignInRequest, VerifyInput, VerifyTarget, evaluate, logs_to_read, sign_in_request,
    verify,
};
use anyhow::{Context, anyhow};
use apim_keyless_core::azure::{AUDIENCE, ConfiguredCredential, parse_credentials};
use apim_keyless_core::policy::{Policy, utc_date};
use apim_keyless_report::{Failure, Level, Location, Report};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;

/// The name of the webhook configurations that the chart gives.
const CONFIGURATIONS: &str = "apim-keyless";

/// The time between two rounds of `--wait` with `--sign-in`: Entra limits requests, and records each.
const SIGN_IN_INTERVAL: Duration = Duration::from_secs(10);

/// Reads the namespace, asks for a token if it may, and prints the report.
pub(super) fn run(arguments: &VerifyArguments) -> anyhow::Result<ExitCode> {
    output::check(&arguments.report)?;
    let known = ids::of_verify();
    let selection = Selection::of(&arguments.report, &known)?;
    let fail_on: Level = arguments.fail_on().into();
    let given = Given::read(arguments)?;
    let round = async || {
        let mut report = evaluate_once(arguments, &given).await?;
        selection.apply(&mut report);
        Ok(report)
    };
    let interval = if arguments.sign_in { SIGN_IN_INTERVAL } else { INTERVAL };
    let runtime = Runtime::new().context("cannot start the async runtime")?;
    let mut report = runtime.block_on(checked(arguments.wait, interval, fail_on, round));
    report.rules = known;
    print_report(&report, &arguments.report, fail_on)?;
    Ok(ExitCode::from(report.exit_code(fail_on)))
}

/// The content of the files that the arguments name.
struct Given {
    policy: Option<Policy>,
    credentials: Option<Vec<ConfiguredCredential>>,
    servers: OutsideServers,
}

impl Given {
    fn read(arguments: &VerifyArguments) -> anyhow::Result<Self> {
        let named = arguments.policy.as_deref();
        let policy = named.map(|path| policy::find(Some(path))).transpose()?.map(|UsedPolicy { policy, .. }| policy);
        let parse =
            |path: &Path| parse_credentials(&text(path)?, &path.display().to_string()).map_err(|error| anyhow!(error));
        let credentials = arguments.credentials.as_deref().map(parse).transpose()?;
        let pem = arguments.ca.as_deref().map(text).transpose()?;
        let servers = OutsideServers::trusting(pem.as_deref()).map_err(|error| match &arguments.ca {
            Some(path) => anyhow!("{}: {error}", path.display()),
            None => anyhow!("{error}"),
        })?;
        Ok(Self { policy, credentials, servers })
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| anyhow!("{}: {}", path.display(), cause(&error)))
}

async fn evaluate_once(arguments: &VerifyArguments, given: &Given) -> Result<Report, UnusableCluster> {
    let connection = Connection::open(&arguments.connection.settings()).await?;
    let names = InstallationNames {
        namespace: arguments.installation_namespace.clone(),
        configurations: CONFIGURATIONS.to_owned(),
        secret: String::new(),
    };
    let namespace = arguments.namespace.as_deref().unwrap_or(connection.client.default_namespace());
    let mut running = Box::pin(RunningNamespace::read(&connection, namespace, &names.namespace))
        .await
        .map_err(UnusableCluster::ApiServer)?;
    if given.policy.is_some() {
        running.policy = Ok(None);
    }
    let installed = policy::installed(std::mem::replace(&mut running.policy, Ok(None)), &names.namespace);
    let installed = installed.unwrap_or_else(|error| {
        running.policy = Err(error);
        Policy::default()
    });
    let policy = given.policy.as_ref().unwrap_or(&installed);
    let target = VerifyTarget::of(arguments.gateway.as_deref());
    let evaluated = evaluate(&running, policy, utc_date(SystemTime::now()), &target);
    let mut logs = Vec::new();
    for (pod, container) in logs_to_read(&evaluated) {
        let log: PodLog = read_log(&connection, namespace, &pod, &container).await;
        logs.push(log);
    }
    let sign_ins = if arguments.sign_in {
        Some(sign_ins(&connection, given, arguments, (&running, policy, &evaluated)).await)
    } else {
        None
    };
    let mut report = verify(&VerifyInput {
        names: &names,
        running: &running,
        policy,
        evaluated: &evaluated,
        logs: &logs,
        sign_ins: sign_ins.as_deref(),
        credentials: given.credentials.as_deref(),
    });
    report.failures.extend(no_gateway(arguments, &running, &evaluated));
    Ok(report)
}

/// Asks for each gateway that may use workload identity, one after the other: Entra limits requests.
async fn sign_ins(
    connection: &Connection,
    given: &Given,
    arguments: &VerifyArguments,
    (running, policy, evaluated): (&RunningNamespace, &Policy, &EvaluatedNamespace),
) -> Vec<SignIn> {
    let tenants = policy.expectations(&running.name, &evaluated.namespace_annotations).tenant_ids;
    let mut all = Vec::new();
    for gateway in evaluated.gateways.iter().filter(|gateway| gateway.may_use_workload_identity()) {
        let request = sign_in_request(gateway, arguments.authority.as_deref(), &tenants);
        all.push(sign_in(connection, &given.servers, &running.name, request).await);
    }
    all
}

async fn sign_in(connection: &Connection, servers: &OutsideServers, namespace: &str, request: SignInRequest) -> SignIn {
    let endpoint = match &request.endpoint {
        None => None,
        Some(endpoint) => Some(endpoint_status(servers, endpoint).await),
    };
    let token = request_token(connection, namespace, &request.service_account, AUDIENCE).await;
    let (token, exchanged) = match token {
        Err(error) => (Err(error), None),
        Ok(TokenResponse::NoAccount) => (Ok(None), None),
        Ok(TokenResponse::Token(token)) => {
            let exchanged = match &request.exchange {
                Err(_) => None,
                Ok(exchange_request) => Some(exchange(servers, exchange_request, &token).await),
            };
            (Ok(Some(token.claims().unwrap_or_default())), exchanged)
        }
    };
    let issuer = match &token {
        Ok(Some(claims)) => Some(read_issuer(servers, &claims.issuer).await),
        _ => None,
    };
    SignIn { request, token, issuer, exchange: exchanged, endpoint }
}

/// Why nothing was verified, if nothing was.
fn no_gateway(
    arguments: &VerifyArguments,
    running: &RunningNamespace,
    evaluated: &EvaluatedNamespace,
) -> Option<Failure> {
    if !evaluated.gateways.is_empty() {
        return None;
    }
    let namespace = &running.name;
    let message = match (&running.namespace, &arguments.gateway) {
        (Ok(None), _) => format!("namespace {namespace} does not exist; name another with --namespace"),
        _ if running.workload_errors().next().is_some() && evaluated.all.is_empty() => return None,
        (_, Some(name)) if !evaluated.all.is_empty() => {
            let all = evaluated.all.join(", ");
            format!("there is no gateway {name} in namespace {namespace}; its gateways are: {all}")
        }
        _ => format!("there is no gateway in namespace {namespace}; name another with --namespace"),
    };
    Some(Failure { location: Location::default(), message })
}
