//! `plan`: prints what Azure needs so that the gateways of files or of a cluster authenticate with workload identity.

use super::{cause, gateways, policy, print, print_to_stderr};
use crate::cli::{PlanArguments, PlanOutput};
use crate::cluster::{Connection, Inventory, InventoryRequest, LeftoverScope, Pace, issuer};
use crate::migration_sources::{Kustomizations, Overlay};
use crate::plan::{CredentialList, Plan, PlanOptions, bicep, json, sh, terraform, text};
use anyhow::{Context, anyhow, bail, ensure};
use apim_keyless_core::azure::parse_credentials;
use apim_keyless_core::gateway::{Images, KubernetesObject, ObjectReference};
use apim_keyless_core::policy::{Level, dotted, printable, shell_word};
use apim_keyless_manifest::{ManifestObject, Manifests};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::stdin;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// What was read.
struct PlanInput {
    objects: Vec<KubernetesObject<'static>>,
    /// The issuer of the cluster, if it was read.
    issuer: Option<String>,
    /// Whether something could not be read, which stderr then says.
    has_error: bool,
    /// What the files have that is not an object: where, and why it is skipped.
    skipped: Vec<String>,
    /// The objects that a kustomization of the files changes in their namespace or name, with its folder.
    built: HashMap<ObjectReference, PathBuf>,
}

/// Reads the gateways, and prints the plan.
pub(super) fn run(arguments: &PlanArguments) -> anyhow::Result<ExitCode> {
    policy::check_stdin(arguments.policy.as_deref(), &arguments.paths)?;
    let lists = arguments.credentials.iter().map(|argument| credentials(argument)).collect::<Result<Vec<_>, _>>()?;
    let images = policy::find(arguments.policy.as_deref())?.policy.images;
    let input = if arguments.cluster {
        Runtime::new().context("cannot start the async runtime")?.block_on(of_cluster(arguments, &images))?
    } else {
        of_files(arguments)?
    };
    let issuer = arguments.issuer.clone().or(input.issuer);
    ensure!(
        lists.is_empty() || issuer.is_some(),
        "--credentials: pass --issuer, too: the issuer of a credential is compared with it"
    );
    let mut plan = Plan::of(&input.objects, &images, &options(arguments, issuer));
    if plan.gateways.is_empty() {
        show_findings(&plan);
        ensure!(input.has_error || plan.has_error(), "{}", nothing(arguments, &input.skipped));
        if input.objects.is_empty() && !arguments.cluster {
            print_to_stderr(&nothing(arguments, &input.skipped));
        }
        return Ok(ExitCode::from(if input.has_error { 2 } else { 1 }));
    }
    check_built(&plan, &input.built)?;
    if !lists.is_empty() {
        plan.compare(&lists).map_err(|error| anyhow!("--credentials: {error}"))?;
    }
    show(&plan, arguments.output)?;
    Ok(ExitCode::from(match () {
        () if input.has_error => 2,
        () if plan.has_error() => 1,
        () => 0,
    }))
}

/// Prints the plan. A script or template is not printed if the plan has an error: it would fail half way.
fn show(plan: &Plan, output: PlanOutput) -> anyhow::Result<()> {
    let rendered = match output {
        PlanOutput::Text => return print(&text::render(plan)),
        PlanOutput::Json => return print(&json::render(plan)),
        PlanOutput::Bicep => bicep::render(plan).map_err(|error| anyhow!("--output bicep: {error}"))?,
        PlanOutput::Sh => sh::render(plan),
        PlanOutput::Terraform => terraform::render(plan),
    };
    show_findings(plan);
    if plan.problems.iter().any(|problem| problem.level == Level::Error) {
        print_to_stderr("nothing was printed: correct the errors first");
        return Ok(());
    }
    print(&rendered)
}

/// Shows on stderr what is wrong.
fn show_findings(plan: &Plan) {
    for line in text::findings(plan) {
        print_to_stderr(&line);
    }
}

/// The most documents that are named if nothing else was found.
const MAX_SKIPPED: usize = 3;

fn nothing(arguments: &PlanArguments, skipped: &[String]) -> String {
    if arguments.cluster {
        return "no gateway in the cluster authenticates to the configuration API; check --context and --namespace"
            .to_owned();
    }
    let files: Vec<String> = arguments.paths.iter().map(|path| path.display().to_string()).collect();
    let skipped: Vec<String> = skipped.iter().take(MAX_SKIPPED).map(|skipped| format!("\nskipped {skipped}")).collect();
    format!(
        "no gateway in {}; pass the files with the gateway's Deployment, ServiceAccount and ConfigMap, or what a tool \
         renders from a chart, a kustomization or Terraform, such as: helm template RELEASE CHART --namespace NAMESPACE \
         --values FILE | apim-keyless plan --namespace NAMESPACE -{}",
        printable(&files.join(", ")),
        skipped.concat()
    )
}

/// The objects that a kustomization of the files changes in their namespace or name, each with the folder to build: the
/// federated credential would have a wrong subject.
fn built_objects(
    manifests: &Manifests,
    objects: &[(&ManifestObject, KubernetesObject<'static>)],
) -> HashMap<ObjectReference, PathBuf> {
    let all = manifests.kustomizations.iter().map(|kustomization| (kustomization.file(), &kustomization.value));
    let kustomizations = Kustomizations::new(all.collect());
    let changed = objects.iter().filter_map(|(parsed, object)| {
        let own = &object.reference;
        let is_changed = |overlay: &Overlay| {
            overlay.namespace.as_ref().is_some_and(|namespace| *namespace != own.namespace)
                || !overlay.named("").is_empty()
        };
        let overlay = kustomizations.overlays_of(parsed.file()).into_iter().find(is_changed)?;
        Some((own.clone(), overlay.folder))
    });
    changed.collect()
}

/// Files do not show the namespace and the names that a kustomization gives to their objects.
fn check_built(plan: &Plan, built: &HashMap<ObjectReference, PathBuf>) -> anyhow::Result<()> {
    for gateway in &plan.gateways {
        if let Some(folder) = built.get(&gateway.object) {
            bail!(
                "{}: the kustomization in {folder} changes its namespace or its name; plan what it builds: kubectl kustomize \
                 {folder} | apim-keyless plan -",
                gateway.title(),
                folder = shell_word(&folder.display().to_string())
            );
        }
    }
    Ok(())
}

fn options(arguments: &PlanArguments, issuer: Option<String>) -> PlanOptions {
    PlanOptions {
        issuer,
        scope: arguments.scope.into(),
        identity: arguments.identity.into(),
        subscription: arguments.subscription.clone(),
        tenant: arguments.tenant.clone(),
        resource_group: arguments.resource_group.clone(),
        api_management: arguments.api_management.clone(),
        location: arguments.location.clone(),
    }
}

fn of_files(arguments: &PlanArguments) -> anyhow::Result<PlanInput> {
    let namespace = match arguments.namespaces.as_slice() {
        [] => "default",
        [one] => one,
        _ => bail!("--namespace: pass one namespace for the objects that name none; only --cluster takes several"),
    };
    let manifests = Manifests::read(&arguments.paths, stdin());
    let (objects, has_error) = gateways::objects(&manifests, namespace);
    let built = built_objects(&manifests, &objects);
    let skipped = manifests.skipped.iter().map(|skipped| format!("{}: {}", skipped.file, skipped.message)).collect();
    Ok(PlanInput {
        objects: objects.into_iter().map(|(_, object)| object).collect(),
        issuer: None,
        has_error,
        skipped,
        built,
    })
}

async fn of_cluster(arguments: &PlanArguments, images: &Images) -> anyhow::Result<PlanInput> {
    let connection = Connection::open(&arguments.connection.settings())
        .await
        .map_err(|error| anyhow!("cannot use the cluster: {error}"))?;
    let request = InventoryRequest {
        namespaces: &arguments.namespaces,
        images,
        is_evaluated: &|_, _| true,
        expected_config_maps: &|_, _| BTreeSet::new(),
        leftovers: LeftoverScope::Nothing,
        progress: &|_, _| {},
        pace: Pace::UNLIMITED,
    };
    let inventory = Box::pin(Inventory::read(&connection, &request)).await;
    let mut has_error = false;
    let mut report = |error: String| {
        has_error = true;
        print_to_stderr(&format!("error: {}", printable(&error)));
    };
    inventory.errors.iter().for_each(|error| report(error.to_string()));
    for malformed in &inventory.malformed {
        let (object, error) = (&malformed.object, &malformed.error);
        report(format!("{object}: {} {}", dotted(&error.at), error.message));
    }
    let mut found = None;
    if arguments.issuer.is_none() {
        match issuer(&connection).await {
            Ok(issuer) => found = Some(issuer),
            Err(error) => report(format!("{error}; pass --issuer")),
        }
    }
    Ok(PlanInput { objects: inventory.objects, issuer: found, has_error, skipped: Vec::new(), built: HashMap::new() })
}

/// Reads a file of `--credentials`.
fn credentials(argument: &str) -> anyhow::Result<CredentialList> {
    let is_client_id = |text: &str| apim_keyless_core::gateway::is_guid(text);
    let (client_id, path) = match argument.split_once('=') {
        Some((client_id, path)) if is_client_id(client_id) => (Some(client_id.to_owned()), path),
        _ => (None, argument),
    };
    let json = fs::read_to_string(path).map_err(|error| anyhow!("--credentials: {path}: {}", cause(&error)))?;
    let configured = parse_credentials(&json, path).map_err(|error| anyhow!("--credentials: {error}"))?;
    Ok(CredentialList { client_id, configured })
}
