//! Evaluates the objects of a namespace as they are now, with the rules, and finds its gateways.

use super::gateway::{RunningGateway, is_owned_by};
use crate::cluster::{ListedObject, RunningNamespace};
use apim_keyless_core::gateway::well_known::StringMap;
use apim_keyless_core::gateway::{Coverage, Gateway, KubernetesObject, ObjectReference, Recognized, RelatedObjects};
use apim_keyless_core::policy::{Date, Mode, NamespaceModes, Policy, Together};
use apim_keyless_report::{Diagnostic, GatewayRow};
use std::collections::BTreeSet;

/// What is verified: one workload, or every gateway of the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyTarget {
    /// The name of the workload; `None` for all.
    pub name: Option<String>,
    /// Its kind, in lower case.
    pub kind: Option<String>,
}

/// The evaluated objects of a namespace.
#[derive(Default)]
pub struct EvaluatedNamespace {
    /// The gateways that the target names.
    pub gateways: Vec<RunningGateway>,
    /// The gateways as reports list them.
    pub rows: Vec<GatewayRow>,
    /// The findings about these gateways and the objects that they use.
    pub findings: Vec<Diagnostic>,
    /// The names of all gateways of the namespace, as `KIND/NAME`.
    pub all: Vec<String>,
    /// The annotations of the Namespace.
    pub namespace_annotations: StringMap,
    /// How many objects were evaluated.
    pub objects: usize,
}

impl VerifyTarget {
    /// Reads `NAME` or `KIND/NAME`.
    pub fn of(text: Option<&str>) -> Self {
        match text.map(|text| text.rsplit_once('/').map_or((None, text), |(kind, name)| (Some(kind), name))) {
            None => Self::default(),
            Some((kind, name)) => Self { name: Some(name.to_owned()), kind: kind.map(str::to_lowercase) },
        }
    }

    /// Whether it names this workload. Kinds may be written as kubectl prints and accepts them: `deployment.apps`,
    /// `deployments`, `deploy`.
    fn includes(&self, workload: &ObjectReference) -> bool {
        let kind = workload.kind.to_lowercase();
        let is_kind = |written: &str| {
            let written = written.split('.').next().unwrap_or_default();
            let short = match kind.as_str() {
                "deployment" => "deploy",
                "statefulset" => "sts",
                "daemonset" => "ds",
                "cronjob" => "cj",
                "pod" => "po",
                other => other,
            };
            written == kind || written == short || written.strip_suffix('s') == Some(&kind)
        };
        self.name.as_ref().is_none_or(|name| *name == workload.name) && self.kind.as_deref().is_none_or(is_kind)
    }
}

/// Evaluates the objects of a namespace together, as `check --complete` does, and finds the gateways that `target` names.
pub fn evaluate(running: &RunningNamespace, policy: &Policy, today: Date, target: &VerifyTarget) -> EvaluatedNamespace {
    let read: Vec<(&ListedObject, KubernetesObject<'static>)> = listed(running)
        .into_iter()
        .filter_map(|one| Some((one, KubernetesObject::recognize(one.json.clone(), &running.name).ok()??)))
        .collect();
    let objects: Vec<&KubernetesObject<'_>> = read.iter().map(|(_, object)| object).collect();
    let is_complete = running.config_maps.is_ok() && running.service_accounts.is_ok();
    let coverage = if is_complete { Coverage::GivenWhole } else { Coverage::Given };
    // as for `check`: without a label its objects must be ready for enforcement
    let mode = NamespaceModes::of(objects.iter().copied(), None, Mode::Enforce).mode(&running.name);
    let together = Together { mode: &|_| mode, coverage, today };
    let evaluated = policy.evaluate_together(&objects, &together);
    let mut related = RelatedObjects::of(objects.iter().copied(), &policy.images);
    related.coverage = coverage;
    let namespace_annotations = related.namespace_annotations.clone();
    let mut result = EvaluatedNamespace { objects: read.len(), namespace_annotations, ..EvaluatedNamespace::default() };
    let mut used: BTreeSet<(&str, String)> = BTreeSet::from([("Namespace", running.name.clone())]);
    let mut findings = Vec::new();
    for ((listed, object), evaluated) in read.iter().zip(evaluated) {
        let reference = &object.reference;
        if let Some(summary) = evaluated.gateway {
            result.all.push(format!("{}/{}", reference.kind.to_lowercase(), reference.name));
            let gateway = Gateway::recognize(object, &policy.images, &related).and_then(Recognized::gateway);
            let gateway = gateway.filter(|gateway| gateway.authenticating().next().is_some());
            if let Some(gateway) = gateway.filter(|_| target.includes(reference)) {
                let row = GatewayRow {
                    config_maps: object.referenced_config_maps().into_iter().collect(),
                    ..GatewayRow::new(reference.clone(), summary.clone(), mode)
                };
                result.rows.push(row);
                let gateway = RunningGateway::of(object, listed, &gateway, summary, running);
                used.extend(gateway.config_maps.iter().map(|(name, _)| ("ConfigMap", name.clone())));
                used.insert(("ServiceAccount", gateway.service_account.clone()));
                result.gateways.push(gateway);
            }
        }
        findings.extend(evaluated.findings.into_iter().map(|finding| (object, finding)));
    }
    let is_verified = |object: &KubernetesObject<'_>| {
        let ObjectReference { kind, name, .. } = &object.reference;
        let is_whole = target.name.is_none() && target.kind.is_none();
        is_whole
            || used.contains(&(kind.as_str(), name.clone()))
            || (object.workload().is_some() && target.includes(&object.reference))
    };
    let findings = findings.into_iter().filter(|(object, _)| is_verified(object));
    result.findings =
        findings.map(|(object, finding)| Diagnostic::of_finding(&object.reference, finding, mode)).collect();
    result
}

/// The objects to evaluate. What a controller made of another object is evaluated there.
fn listed(running: &RunningNamespace) -> Vec<&ListedObject> {
    let all: Vec<&ListedObject> = running.known_workloads().chain(running.pods.iter().flatten()).collect();
    let uids: BTreeSet<&str> = all.iter().filter_map(|object| object.metadata.uid.as_deref()).collect();
    let is_own =
        |object: &&ListedObject| object.metadata.deletion_timestamp.is_none() && !is_owned_by(&object.metadata, &uids);
    let namespace = running.namespace.iter().flatten();
    let others = running.config_maps.iter().flatten().chain(running.service_accounts.iter().flatten());
    namespace.chain(others).chain(all.into_iter().filter(is_own)).collect()
}
