//! Finds out why a gateway does not work. Pure: `cluster` and `entra` read, this module evaluates.
//!
//! [`evaluate`] runs the rules over the objects of a namespace as they are and finds its gateways; [`verify`] runs every
//! check of [`CHECKS`] in the order in which one problem causes the next, and fills the report of the other commands. What
//! could not be read is reported once; the checks that need it are then unknown.

mod age;
mod code;
mod exchange;
mod gateway;
mod identity;
mod image;
mod log_lines;
mod objects;
mod pods;
mod projected_token;
mod sign_in;

pub use code::VerifyCode;
pub use gateway::{RunningAccount, RunningGateway, RunningPod};
pub use log_lines::logs_to_read;
pub use objects::{EvaluatedNamespace, VerifyTarget, evaluate};
pub use sign_in::{SignIn, SignInRequest, sign_in_request};

use crate::cluster::{InstallationNames, PodLog, ReadError, RunningNamespace};
use crate::doctor::{Outcome, Target, grouped, of_entry, report_of, workload_identity};
use apim_keyless_core::azure::ConfiguredCredential;
use apim_keyless_core::gateway::Lookup;
use apim_keyless_core::policy::Policy;
use apim_keyless_report::{Diagnostic, Report};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde_json::Value;

/// Everything that the checks need.
pub struct VerifyInput<'a> {
    /// The names of the installation of apim-keyless.
    pub names: &'a InstallationNames,
    /// The namespace.
    pub running: &'a RunningNamespace,
    /// The policy.
    pub policy: &'a Policy,
    /// The evaluated objects.
    pub evaluated: &'a EvaluatedNamespace,
    /// The logs that were read.
    pub logs: &'a [PodLog],
    /// What came out of the sign-in of each gateway; `None` without `--sign-in`.
    pub sign_ins: Option<&'a [SignIn]>,
    /// The federated credentials of `--credentials`.
    pub credentials: Option<&'a [ConfiguredCredential]>,
}

impl<'a> VerifyInput<'a> {
    /// The gateways.
    fn gateways(&self) -> impl Iterator<Item = &'a RunningGateway> {
        self.evaluated.gateways.iter()
    }

    /// The gateways that authenticate, or may authenticate, with workload identity.
    fn with_identity(&self) -> impl Iterator<Item = &'a RunningGateway> {
        self.gateways().filter(|gateway| gateway.may_use_workload_identity())
    }

    /// A finding about a gateway.
    fn found(&self, code: VerifyCode, gateway: &RunningGateway, message: impl Into<String>) -> Diagnostic {
        let target = Target::of_object(gateway.reference.clone());
        of_entry(code.id(), code.entry(), &self.running.name, target, message)
    }

    /// The outcome of a check of Pods.
    fn of_pods(&self, findings: Vec<Diagnostic>) -> Outcome {
        let has_none = |gateway: &RunningGateway| gateway.pods.as_ref().is_some_and(Vec::is_empty);
        if findings.is_empty() && self.gateways().all(has_none) {
            return Outcome::NotApplicable;
        }
        Outcome::of(findings, self.gateways().all(|gateway| gateway.pods.is_some()))
    }
}

/// Looks for one group of problems.
pub struct VerifyCheck {
    /// Its id in the report.
    pub id: &'static str,
    /// What is true if it passes.
    pub title: &'static str,
    run: fn(&VerifyInput<'_>) -> Outcome,
}

const fn check(id: &'static str, title: &'static str, run: fn(&VerifyInput<'_>) -> Outcome) -> VerifyCheck {
    VerifyCheck { id, title, run }
}

/// Every check, in the order of the report: causes first.
pub const CHECKS: &[VerifyCheck] = &[
    check("objects", "the rules find nothing in the objects of the gateway", check_objects),
    check(
        "workload-identity",
        "azure-workload-identity is installed, and its webhook is called after that of apim-keyless",
        check_workload_identity,
    ),
    check("age", "every Pod is younger than its template, its ServiceAccount and its ConfigMaps", age::check_age),
    check("identity", "every Pod has the variables of azure-workload-identity", identity::check_identity),
    check(
        "projected-token",
        "every Pod has a token for Entra with a usual lifetime",
        projected_token::check_projected_token,
    ),
    check("image", "the images that run are supported, and those of the template", image::check_image),
    check("credentials", "the federated credentials of --credentials fit the tokens", exchange::check_credentials),
    check("token", "the API server issues a token of the ServiceAccount", sign_in::check_token),
    check("issuer", "the token's issuer is the cluster's, and publishes the key that signed it", sign_in::check_issuer),
    check("exchange", "Entra accepts the token", exchange::check_exchange),
    check("endpoint", "the configuration endpoint answers", sign_in::check_endpoint),
    check("pods", "every gateway has Pods, and they run and are ready", pods::check_pods),
    check("logs", "the logs show no known failure", log_lines::check_logs),
];

/// Runs every check. What could not be read is a failure of the report.
pub fn verify(input: &VerifyInput<'_>) -> Report {
    let outcomes = CHECKS.iter().map(|check| (check.id, check.title, (check.run)(input)));
    let mut report = Report {
        gateways: Some(input.evaluated.rows.clone()),
        objects: input.evaluated.objects,
        ..report_of(outcomes, grouped(read_errors(input).into_iter()))
    };
    report.rate_gateways();
    report
}

fn check_objects(input: &VerifyInput<'_>) -> Outcome {
    let running = input.running;
    let is_known = running.namespace.is_ok()
        && running.config_maps.is_ok()
        && running.service_accounts.is_ok()
        && running.workload_errors().next().is_none();
    Outcome::of(input.evaluated.findings.clone(), is_known)
}

fn check_workload_identity(input: &VerifyInput<'_>) -> Outcome {
    if input.with_identity().next().is_none() {
        return Outcome::NotApplicable;
    }
    let Ok(mutating) = &input.running.mutating else { return Outcome::Unknown };
    workload_identity(mutating, input.names)
}

/// What could not be read, or cannot be known.
fn read_errors(input: &VerifyInput<'_>) -> Vec<ReadError> {
    let running = input.running;
    let lists = [&running.config_maps, &running.service_accounts, &running.pods];
    let errors = [
        running.server.as_ref().err(),
        running.namespace.as_ref().err(),
        running.mutating.as_ref().err(),
        running.policy.as_ref().err(),
    ];
    // without --sign-in and --credentials nothing needs the issuer
    let needs_issuer = input.sign_ins.is_some() || input.credentials.is_some();
    let issuer = running.issuer.as_ref().err().filter(|_| needs_issuer);
    let errors = errors.into_iter().flatten().chain(issuer);
    let errors =
        errors.chain(running.workload_errors()).chain(lists.into_iter().filter_map(|list| list.as_ref().err()));
    let logs = input.logs.iter().filter_map(|log| log.text.as_ref().err());
    let mut all: Vec<ReadError> = errors.chain(logs).cloned().collect();
    all.dedup();
    all.extend(age::unknown(input));
    all.extend(sign_in::unknown(input));
    all
}

/// When a field of an object was last changed; `None` if `managedFields` records no time for it.
fn change_of(metadata: &ObjectMeta, path: &[&str]) -> Option<Time> {
    let entries = metadata.managed_fields.iter().flatten();
    let touches = |fields: &Value| path.iter().try_fold(fields, |fields, name| fields.get(name)).is_some();
    let touching = entries.filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| touches(&fields.0)));
    touching.filter_map(|entry| entry.time.clone()).max()
}

/// When a label or an annotation was last changed. An object without any has not been changed since it was created.
fn label_or_annotation_change(metadata: &ObjectMeta) -> Option<Time> {
    let changes = ["f:annotations", "f:labels"].map(|field| change_of(metadata, &["f:metadata", field]));
    let is_recorded = metadata.managed_fields.as_ref().is_some_and(|entries| !entries.is_empty());
    changes.into_iter().flatten().max().or_else(|| metadata.creation_timestamp.clone().filter(|_| is_recorded))
}

/// `Pod a`, or `Pods a, b and 3 more`
fn named_pods(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>();
    match (names.len(), shown.split_last()) {
        (_, None) => String::new(),
        (1, Some((one, _))) => format!("Pod {one}"),
        (count, _) if count > SHOWN => format!("Pods {} and {} more", shown.join(", "), count - SHOWN),
        (_, Some((last, others))) => format!("Pods {} and {last}", others.join(", ")),
    }
}

/// Problems of Pods, one finding for each problem, with the names of its Pods.
fn of_each_problem(
    input: &VerifyInput<'_>,
    gateway: &RunningGateway,
    problems: impl IntoIterator<Item = (VerifyCode, String, String)>,
) -> Vec<Diagnostic> {
    let mut groups: Vec<(VerifyCode, String, Vec<String>)> = Vec::new();
    for (code, pod, message) in problems {
        match groups.iter_mut().find(|(other, text, _)| *other == code && *text == message) {
            Some((.., pods)) if pods.contains(&pod) => {}
            Some((.., pods)) => pods.push(pod),
            None => groups.push((code, message, vec![pod])),
        }
    }
    let finding = |(code, message, pods): (VerifyCode, String, Vec<String>)| {
        let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
        input.found(code, gateway, format!("{}: {message}", named_pods(&pods)))
    };
    groups.into_iter().map(finding).collect()
}

/// The value of a lookup that found one.
fn found<T>(lookup: &Lookup<T>) -> Option<&T> {
    match lookup {
        Lookup::Found(value) => Some(value),
        Lookup::Absent | Lookup::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pods_are_counted() {
        for (names, text) in [
            (&["a"][..], "Pod a"),
            (&["a", "b"], "Pods a and b"),
            (&["a", "b", "c"], "Pods a, b and c"),
            (&["a", "b", "c", "d", "e"], "Pods a, b, c and 2 more"),
        ] {
            assert_eq!(named_pods(names), text);
        }
    }

    #[test]
    fn the_last_change_of_a_field_is_that_of_its_managers() {
        let metadata: ObjectMeta = serde_json::from_value(serde_json::json!({
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [
                {"time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:data": {"f:a": {}}}},
                {"time": "2026-01-04T00:00:00Z", "fieldsV1": {"f:data": {"f:b": {}}}},
                {"time": "2026-01-05T00:00:00Z", "fieldsV1": {"f:metadata": {"f:finalizers": {}}}},
            ],
        }))
        .unwrap();
        let text = |time: Option<Time>| time.map(|time| time.0.to_string());
        assert_eq!(text(change_of(&metadata, &["f:data"])).as_deref(), Some("2026-01-04T00:00:00Z"));
        assert_eq!(text(label_or_annotation_change(&metadata)).as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(label_or_annotation_change(&ObjectMeta { managed_fields: None, ..metadata }), None);
    }
}
