//! Whether Pods are older than what they are made from. azure-workload-identity reads a `ServiceAccount` when a Pod is
//! created, and the kubelet reads a `ConfigMap` when a container starts, so a later change has no effect
//! (azure-workload-identity, docs/book/src/concepts.md; domain facts of the chart: it has no checksum annotation).

use super::gateway::{RunningGateway, RunningPod};
use super::{VerifyCode, VerifyInput, found, of_each_problem};
use crate::cluster::ReadError;
use crate::doctor::Outcome;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Is every Pod younger than its template, its `ServiceAccount` and its `ConfigMap`s?
pub(super) fn check_age(input: &VerifyInput<'_>) -> Outcome {
    let findings = input.gateways().flat_map(|gateway| {
        let problems = gateway.known_pods().iter().flat_map(|pod| problems(gateway, pod));
        of_each_problem(input, gateway, problems)
    });
    let findings: Vec<_> = findings.collect();
    if findings.is_empty() && !unknown(input).is_empty() {
        return Outcome::Unknown;
    }
    input.of_pods(findings)
}

fn problems(gateway: &RunningGateway, running: &RunningPod) -> Vec<(VerifyCode, String, String)> {
    let mut problems = Vec::new();
    let mut add = |code, message: String| problems.push((code, running.name().to_owned(), message));
    if running.is_current == Some(false) {
        let kind = &gateway.reference.kind;
        add(VerifyCode::TemplateOutdated, format!("of an older template of this {kind}"));
    }
    let created = running.pod.metadata.creation_timestamp.as_ref();
    let account_change = found(&gateway.account).and_then(|account| account.changed.as_ref());
    if let (Some(created), Some(changed)) = (created, account_change)
        && created < changed
        && gateway.may_use_workload_identity()
    {
        let name = &gateway.service_account;
        add(
            VerifyCode::ServiceAccountOutdated,
            format!("created before labels or annotations of ServiceAccount {name} changed ({})", text(changed)),
        );
    }
    let statuses = running.pod.status.iter().flat_map(|status| &status.container_statuses);
    let of_gateway = statuses.filter(|status| gateway.containers.contains(&status.name));
    let started = of_gateway.filter_map(|status| status.state.running.as_ref()?.started_at.as_ref()).min();
    let Some(started) = started else { return problems };
    for (name, changed) in &gateway.config_maps {
        if let Some(changed) = changed.as_ref().filter(|changed| started < *changed) {
            let message = format!("started before the data of ConfigMap {name} changed ({})", text(changed));
            problems.push((VerifyCode::ConfigurationOutdated, running.name().to_owned(), message));
        }
    }
    problems
}

fn text(time: &Time) -> String {
    time.0.to_string()
}

/// What the cluster does not record.
pub(super) fn unknown(input: &VerifyInput<'_>) -> Vec<ReadError> {
    let mut errors: Vec<ReadError> = Vec::new();
    for gateway in input.gateways().filter(|gateway| !gateway.known_pods().is_empty()) {
        let reason = "its managedFields record no time of a change".to_owned();
        let mut add = |what: String, reason: String| {
            errors.push(ReadError { attempt: format!("compare the age of Pods with {what}"), reason });
        };
        if found(&gateway.account).is_some_and(|account| account.changed.is_none()) {
            add(format!("ServiceAccount {}", gateway.service_account), reason.clone());
        }
        for (name, _) in gateway.config_maps.iter().filter(|(_, changed)| changed.is_none()) {
            add(format!("ConfigMap {name}"), reason.clone());
        }
        if gateway.known_pods().iter().any(|pod| pod.is_current.is_none()) {
            let kind = &gateway.reference.kind;
            add(
                format!("the template of {kind} {}", gateway.reference.name),
                format!("a Pod of a {kind} does not show of which template it is"),
            );
        }
    }
    errors.dedup();
    errors
}
