//! Checks of the replicas: how many are ready, their versions, failing Pods, and the `PodDisruptionBudget`.

use super::diagnostic::{Target, diagnostic};
use super::namespaces::labels;
use super::{CheckInput, DoctorCode, Outcome};
use crate::cluster::{ContainerStatus, NAME, Pod, selects};
use apim_keyless_core::gateway::ImageName;
use jsonptr::PointerBuf;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use semver::Version;
use std::collections::BTreeSet;

/// Label with the version of the application (Kubernetes, "Recommended Labels").
const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// Values of `state.waiting.reason` of a container that starts normally.
pub(crate) const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Does the Deployment exist, and are at least two replicas ready?
pub(super) fn check_ready_replicas(input: &CheckInput<'_>) -> Outcome {
    let Ok(deployment) = &input.installation.deployment else { return Outcome::Unknown };
    let target = Target::in_namespace("Deployment", NAME, input.names);
    let Some(deployment) = deployment else {
        let message = format!("Deployment {NAME} does not exist in namespace {}", input.names.namespace);
        return Outcome::found(diagnostic(DoctorCode::DeploymentMissing, input.names, target, message));
    };
    let ready = deployment.status.as_ref().map_or(0, |status| status.ready_replicas);
    let target = target.at(PointerBuf::from_tokens(["status", "readyReplicas"]));
    let (code, message) = match ready {
        ..1 => (
            DoctorCode::NoReadyReplica,
            "no replica is ready: the API server denies changes of gateways in enforced namespaces",
        ),
        1 => (
            DoctorCode::OneReadyReplica,
            "only one replica is ready: while it restarts, the API server denies changes of gateways",
        ),
        _ => return Outcome::PASSED,
    };
    Outcome::found(diagnostic(code, input.names, target, message))
}

/// Do all replicas run one image, and does its version equal the version of this binary?
pub(super) fn check_versions(input: &CheckInput<'_>) -> Outcome {
    let images: BTreeSet<&str> = non_terminating_pods(input).flat_map(images).collect();
    let mixed = (images.len() > 1).then(|| {
        let message = format!("its Pods run {}", images.iter().copied().collect::<Vec<_>>().join(" and "));
        diagnostic(DoctorCode::MixedImages, input.names, Target::in_namespace("Deployment", NAME, input.names), message)
    });
    let own = env!("CARGO_PKG_VERSION");
    let other = installed_version(input).filter(|installed| installed.to_string() != own).map(|installed| {
        let at = PointerBuf::from_tokens(["spec", "template", "spec", "containers", "0", "image"]);
        let target = Target::in_namespace("Deployment", NAME, input.names).at(at);
        let message =
            format!("version {installed} is installed, and this binary has version {own}: its checks may not fit");
        diagnostic(DoctorCode::VersionDiffers, input.names, target, message)
    });
    let is_known = input.installation.deployment.is_ok() && input.installation.pods.is_ok();
    input.of_replicas(mixed.into_iter().chain(other).collect(), is_known)
}

/// The version of the Deployment: the tag of its image, or the version label if the tag is not a version.
fn installed_version(input: &CheckInput<'_>) -> Option<Version> {
    let template = &input.deployment()?.spec.template;
    let tag = ImageName::version_text(&template.spec.containers.first()?.image);
    let label = labels(&template.metadata).get(VERSION_LABEL);
    let texts = [tag, label.map(String::as_str)];
    texts.into_iter().flatten().find_map(|text| Version::parse(text.trim_start_matches('v')).ok())
}

/// Does every Pod run?
pub(super) fn check_pods(input: &CheckInput<'_>) -> Outcome {
    let stuck = non_terminating_pods(input)
        .flat_map(|pod| statuses(pod).filter_map(move |status| Some((pod, wait_problem(status)?))));
    let findings = stuck.map(|(pod, message)| {
        let target = Target::of("Pod", &pod.metadata, PointerBuf::from_tokens(["status", "containerStatuses"]));
        diagnostic(DoctorCode::PodFailing, input.names, target, message)
    });
    input.of_replicas(findings.collect(), input.installation.pods.is_ok())
}

/// Why a container waits, unless it starts normally.
fn wait_problem(status: &ContainerStatus) -> Option<String> {
    let waiting = status.state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|reason| !STARTING.contains(reason))?;
    Some(format!("container {} is in {reason} after {} restarts", status.name, status.restart_count))
}

/// Does a `PodDisruptionBudget` select the replicas?
pub(super) fn check_disruption_budget(input: &CheckInput<'_>) -> Outcome {
    let (Some(deployment), Ok(budgets)) = (input.deployment(), &input.installation.disruption_budgets) else {
        return input.of_replicas(Vec::new(), false);
    };
    let metadata = &deployment.spec.template.metadata;
    let is_selected = |metadata: &ObjectMeta| {
        let specs = budgets.iter().filter_map(|budget| budget.spec.as_ref());
        specs.filter_map(|spec| spec.selector.as_ref()).any(|selector| selects(Some(selector), labels(metadata)))
    };
    if is_selected(metadata) {
        return Outcome::PASSED;
    }
    let message = "no PodDisruptionBudget selects the Pods: a drain of nodes may evict all of them at once";
    let target = Target::in_namespace("PodDisruptionBudget", NAME, input.names);
    Outcome::found(diagnostic(DoctorCode::DisruptionBudgetMissing, input.names, target, message))
}

/// The Pods without `metadata.deletionTimestamp`.
fn non_terminating_pods<'a>(input: &CheckInput<'a>) -> impl Iterator<Item = &'a Pod> {
    let pods = input.installation.pods.as_deref().unwrap_or_default();
    pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none())
}

fn images(pod: &Pod) -> impl Iterator<Item = &str> {
    pod.spec.containers.iter().filter(|container| container.name == NAME).map(|container| container.image.as_str())
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| &status.container_statuses)
}
