//! The replicas: enough of them, of one version, running, and kept while nodes are drained.

use super::namespaces::labels;
use super::{Case, Fault, Finding, Place};
use crate::cluster::{ContainerStatus, NAME, Pod, selects};
use crate::gateway::ImageName;
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use semver::Version;
use std::collections::BTreeSet;

/// Label with the version of what an object belongs to.
const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// What a container may wait for without anything being wrong.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// There is a Deployment, and two replicas of it are ready.
pub(super) fn are_there(case: &Case<'_>) -> Vec<Finding> {
    let Ok(deployment) = &case.installation.deployment else { return Vec::new() };
    let place = Place::here("Deployment", NAME, case.site);
    let Some(deployment) = deployment else {
        let problem = format!("there is no Deployment {NAME} in namespace {}", case.site.namespace);
        return vec![Finding::new(Fault::DeploymentMissing, case.site, place, problem)];
    };
    let ready = deployment.status.as_ref().map_or(0, |status| status.ready_replicas);
    let place = Place { at: PointerBuf::from_tokens(["status", "readyReplicas"]), ..place };
    let (fault, problem) = match ready {
        ..1 => (Fault::NoReadyReplica, "no replica is ready: changes of gateways in enforced namespaces are refused"),
        1 => (Fault::OneReadyReplica, "one replica is ready: while it restarts, changes of gateways are refused"),
        _ => return Vec::new(),
    };
    vec![Finding::new(fault, case.site, place, problem)]
}

/// All replicas are of one image, whose version is that of this binary.
pub(super) fn are_of_one_version(case: &Case<'_>) -> Vec<Finding> {
    let images: BTreeSet<&str> = living(case).flat_map(images).collect();
    let mixed = (images.len() > 1).then(|| {
        let problem = format!("its Pods run {}", images.iter().copied().collect::<Vec<_>>().join(" and "));
        Finding::new(Fault::MixedImages, case.site, Place::here("Deployment", NAME, case.site), problem)
    });
    let ours = env!("CARGO_PKG_VERSION");
    let other = installed_version(case).filter(|installed| installed.to_string() != ours).map(|installed| {
        let at = PointerBuf::from_tokens(["spec", "template", "spec", "containers", "0", "image"]);
        let place = Place { at, ..Place::here("Deployment", NAME, case.site) };
        let problem = format!("version {installed} is installed, and this is {ours}: what it expects may differ");
        Finding::new(Fault::VersionDiffers, case.site, place, problem)
    });
    mixed.into_iter().chain(other).collect()
}

/// The version of the Deployment: its image's tag, or its label where the tag is no version.
fn installed_version(case: &Case<'_>) -> Option<Version> {
    let template = &case.deployment()?.spec.template;
    let tag = ImageName::version_text(&template.spec.containers.first()?.image);
    let label = labels(&template.metadata).get(VERSION_LABEL);
    let texts = [Some(tag.as_str()), label.map(String::as_str)];
    texts.into_iter().flatten().find_map(|text| Version::parse(text.trim_start_matches('v')).ok())
}

/// No Pod is stuck.
pub(super) fn run(case: &Case<'_>) -> Vec<Finding> {
    let stuck = living(case).flat_map(|pod| statuses(pod).filter_map(move |status| Some((pod, wait(status)?))));
    stuck
        .map(|(pod, problem)| {
            let place = Place::of("Pod", &pod.metadata, PointerBuf::from_tokens(["status", "containerStatuses"]));
            Finding::new(Fault::PodFailing, case.site, place, problem)
        })
        .collect()
}

/// What a container waits for that will not come by itself.
fn wait(status: &ContainerStatus) -> Option<String> {
    let waiting = status.state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|reason| !STARTING.contains(reason))?;
    Some(format!("its container {} is in {reason}, after {} restarts", status.name, status.restart_count))
}

/// A `PodDisruptionBudget` is about the replicas.
pub(super) fn outlive_a_drain(case: &Case<'_>) -> Vec<Finding> {
    let (Some(deployment), Ok(budgets)) = (case.deployment(), &case.installation.disruption_budgets) else {
        return Vec::new();
    };
    let metadata = &deployment.spec.template.metadata;
    let covers = |labels: &ObjectMeta| {
        let specs = budgets.iter().filter_map(|budget| budget.spec.as_ref());
        specs.filter_map(|spec| spec.selector.as_ref()).any(|selector| selects(Some(selector), self::labels(labels)))
    };
    if covers(metadata) {
        return Vec::new();
    }
    let problem = "no PodDisruptionBudget selects its Pods: draining nodes may take all of them at once";
    vec![Finding::new(
        Fault::DisruptionBudgetMissing,
        case.site,
        Place::here("PodDisruptionBudget", NAME, case.site),
        problem,
    )]
}

/// The Pods that are not about to go.
fn living<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Pod> {
    let pods = case.installation.pods.as_deref().unwrap_or_default();
    pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none())
}

fn images(pod: &Pod) -> impl Iterator<Item = &str> {
    pod.spec.containers.iter().filter(|container| container.name == NAME).map(|container| container.image.as_str())
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| &status.container_statuses)
}
