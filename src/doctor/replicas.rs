//! The replicas: enough of them, of one version, running, and kept while nodes are drained.

use super::namespaces::labels;
use super::{CheckInput, Code, DoctorFinding, Location};
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
pub(super) fn are_there(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let Ok(deployment) = &input.installation.deployment else { return Vec::new() };
    let location = Location::here("Deployment", NAME, input.names);
    let Some(deployment) = deployment else {
        let message = format!("there is no Deployment {NAME} in namespace {}", input.names.namespace);
        return vec![DoctorFinding::new(Code::DeploymentMissing, input.names, location, message)];
    };
    let ready = deployment.status.as_ref().map_or(0, |status| status.ready_replicas);
    let location = Location { at: PointerBuf::from_tokens(["status", "readyReplicas"]), ..location };
    let (code, message) = match ready {
        ..1 => (Code::NoReadyReplica, "no replica is ready: changes of gateways in enforced namespaces are refused"),
        1 => (Code::OneReadyReplica, "one replica is ready: while it restarts, changes of gateways are refused"),
        _ => return Vec::new(),
    };
    vec![DoctorFinding::new(code, input.names, location, message)]
}

/// All replicas are of one image, whose version is that of this binary.
pub(super) fn are_of_one_version(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let images: BTreeSet<&str> = living(input).flat_map(images).collect();
    let mixed = (images.len() > 1).then(|| {
        let message = format!("its Pods run {}", images.iter().copied().collect::<Vec<_>>().join(" and "));
        DoctorFinding::new(Code::MixedImages, input.names, Location::here("Deployment", NAME, input.names), message)
    });
    let ours = env!("CARGO_PKG_VERSION");
    let other = installed_version(input).filter(|installed| installed.to_string() != ours).map(|installed| {
        let at = PointerBuf::from_tokens(["spec", "template", "spec", "containers", "0", "image"]);
        let location = Location { at, ..Location::here("Deployment", NAME, input.names) };
        let message = format!("version {installed} is installed, and this is {ours}: what it expects may differ");
        DoctorFinding::new(Code::VersionDiffers, input.names, location, message)
    });
    mixed.into_iter().chain(other).collect()
}

/// The version of the Deployment: its image's tag, or its label where the tag is no version.
fn installed_version(input: &CheckInput<'_>) -> Option<Version> {
    let template = &input.deployment()?.spec.template;
    let tag = ImageName::version_text(&template.spec.containers.first()?.image);
    let label = labels(&template.metadata).get(VERSION_LABEL);
    let texts = [Some(tag.as_str()), label.map(String::as_str)];
    texts.into_iter().flatten().find_map(|text| Version::parse(text.trim_start_matches('v')).ok())
}

/// No Pod is stuck.
pub(super) fn run(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let stuck = living(input).flat_map(|pod| statuses(pod).filter_map(move |status| Some((pod, wait(status)?))));
    stuck
        .map(|(pod, message)| {
            let location = Location::of("Pod", &pod.metadata, PointerBuf::from_tokens(["status", "containerStatuses"]));
            DoctorFinding::new(Code::PodFailing, input.names, location, message)
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
pub(super) fn outlive_a_drain(input: &CheckInput<'_>) -> Vec<DoctorFinding> {
    let (Some(deployment), Ok(budgets)) = (input.deployment(), &input.installation.disruption_budgets) else {
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
    let message = "no PodDisruptionBudget selects its Pods: draining nodes may take all of them at once";
    vec![DoctorFinding::new(
        Code::DisruptionBudgetMissing,
        input.names,
        Location::here("PodDisruptionBudget", NAME, input.names),
        message,
    )]
}

/// The Pods that are not about to go.
fn living<'a>(input: &CheckInput<'a>) -> impl Iterator<Item = &'a Pod> {
    let pods = input.installation.pods.as_deref().unwrap_or_default();
    pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none())
}

fn images(pod: &Pod) -> impl Iterator<Item = &str> {
    pod.spec.containers.iter().filter(|container| container.name == NAME).map(|container| container.image.as_str())
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| &status.container_statuses)
}
