//! Whether each gateway has Pods, and what state they are in.

use super::gateway::{RunningGateway, RunningPod};
use super::{VerifyCode, VerifyInput, of_each_problem};
use crate::cluster::{ContainerStatus, Waiting};
use crate::doctor::{Outcome, STARTING};
use apim_keyless_core::policy::printable;
use apim_keyless_report::Diagnostic;

/// Most characters of a message of a Kubernetes component that are shown.
const MESSAGE_CHARACTERS: usize = 400;

/// Reasons whose message the kubelet itself writes (Kubernetes, `pkg/kubelet/images/types.go` and
/// `pkg/kubelet/kuberuntime/kuberuntime_container.go`). Other messages can contain what a program wrote.
const WITH_MESSAGE: [&str; 5] =
    ["CreateContainerConfigError", "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"];

/// Kinds whose Pods come and go.
const FINISHING: [&str; 2] = ["CronJob", "Job"];

/// Does every gateway have Pods, and do they run and are they ready?
pub(super) fn check_pods(input: &VerifyInput<'_>) -> Outcome {
    let of_gateway = |gateway| match without_pods(input, gateway) {
        Some(finding) => vec![finding],
        None => of_each_problem(input, gateway, gateway.known_pods().iter().flat_map(problems)),
    };
    input.of_pods(input.gateways().flat_map(of_gateway).collect())
}

fn without_pods(input: &VerifyInput<'_>, gateway: &RunningGateway) -> Option<Diagnostic> {
    let has_none = gateway.pods.as_ref().is_some_and(Vec::is_empty);
    if !has_none || FINISHING.contains(&gateway.reference.kind.as_str()) {
        return None;
    }
    if gateway.replicas() == Some(0) {
        return Some(input.found(VerifyCode::GatewayScaledToZero, gateway, "replicas is 0"));
    }
    // the deployment controller copies the API server's message of its ReplicaSet there
    let mut conditions = gateway.state.status.conditions.iter();
    let failure = conditions.find(|condition| condition.kind == "ReplicaFailure" && condition.status == "True");
    let why = failure.and_then(|condition| condition.message.as_deref()).map(|message| format!(": {}", shown(message)));
    Some(input.found(VerifyCode::GatewayWithoutPods, gateway, format!("no Pod exists{}", why.unwrap_or_default())))
}

/// The beginning of a message, on one line.
fn shown(message: &str) -> String {
    let words: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = words.chars().take(MESSAGE_CHARACTERS).collect();
    if shown.len() < words.len() {
        shown.push_str("...");
    }
    printable(&shown).into_owned()
}

type PodProblem = (VerifyCode, String, String);

fn problems(running: &RunningPod) -> Vec<PodProblem> {
    let status = running.pod.status.clone().unwrap_or_default();
    let problem = |code, message| (code, running.name().to_owned(), message);
    let mut conditions = status.conditions.iter();
    let unscheduled = conditions.find(|one| one.kind == "PodScheduled" && one.status == "False");
    if let Some(condition) = unscheduled {
        let message = condition.message.as_deref().or(condition.reason.as_deref()).unwrap_or("no reason is given");
        return vec![problem(VerifyCode::PodUnscheduled, shown(message))];
    }
    let containers = || status.init_container_statuses.iter().chain(&status.container_statuses);
    let stopped: Vec<PodProblem> =
        containers().filter_map(stopped).map(|message| problem(VerifyCode::ContainerWaiting, message)).collect();
    if !stopped.is_empty() {
        return stopped;
    }
    let restarted = containers().filter_map(restarted).map(|message| problem(VerifyCode::ContainerRestarted, message));
    let is_ready = status.conditions.iter().any(|one| one.kind == "Ready" && one.status == "True");
    let unready = (!is_ready).then(|| {
        let phase = if status.phase.is_empty() { "Pending" } else { &status.phase };
        problem(VerifyCode::PodNotReady, format!("its phase is {phase}, and it is not ready"))
    });
    restarted.chain(unready).collect()
}

/// Why a container does not run, unless it starts, or is an init container that has ended well.
fn stopped(status: &ContainerStatus) -> Option<String> {
    let restarts = format!("after {} restarts", status.restart_count);
    if let Some(ended) = status.state.terminated.as_ref().filter(|ended| ended.exit_code != 0) {
        return Some(format!("container {} ended with exit code {} {restarts}", status.name, ended.exit_code));
    }
    let Waiting { reason, message } = status.state.waiting.as_ref()?;
    let reason = reason.as_deref().filter(|reason| !STARTING.contains(reason))?;
    let message = message.as_deref().filter(|_| WITH_MESSAGE.contains(&reason));
    let why = match (message, &status.last_state.terminated) {
        (Some(message), _) => format!(": {}", shown(message)),
        (None, Some(ended)) => {
            format!(": it ended with exit code {}{}", ended.exit_code, named(ended.reason.as_deref()))
        }
        (None, None) => String::new(),
    };
    Some(format!("container {} is in {} {restarts}{why}", status.name, printable(reason)))
}

fn restarted(status: &ContainerStatus) -> Option<String> {
    let ended = status.last_state.terminated.as_ref().filter(|_| status.restart_count > 0)?;
    let (name, count, reason) = (&status.name, status.restart_count, named(ended.reason.as_deref()));
    Some(format!(
        "container {name} was restarted {count} times; last it ended with exit code {}{reason}",
        ended.exit_code
    ))
}

/// ` (OOMKilled)`
fn named(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" ({})", printable(reason))).unwrap_or_default()
}
