//! A gateway that runs: its workload, its Pods, and the objects that they depend on.

use super::label_or_annotation_change;
use crate::cluster::{ListedObject, Pod, RunningNamespace, StatusCondition, WorkloadList};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, DEFAULT_SERVICE_ACCOUNT, TENANT_ID};
use apim_keyless_core::gateway::{
    Authentication, Gateway, GatewaySummary, KubernetesObject, Lookup, ObjectReference, Setting,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};

/// Annotation of a Deployment and of its `ReplicaSet`s: which of them is the current one.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Pod label with the revision of its `StatefulSet`.
const CONTROLLER_REVISION: &str = "controller-revision-hash";

/// Annotation of a `DaemonSet`, and label of its Pods: the generation of the template.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const POD_TEMPLATE_GENERATION: &str = "pod-template-generation";

/// Pod label with the hash of the template of its `Rollout`: `DefaultRolloutUniqueLabelKey` in the
/// [API of Argo Rollouts](https://github.com/argoproj/argo-rollouts/blob/v1.10.2/pkg/apis/rollouts/v1alpha1/types.go).
const ROLLOUT_HASH: &str = "rollouts-pod-template-hash";

/// The kinds whose controllers make other workloads, and the kinds of those.
const MADE_KINDS: [(&str, &[&str]); 5] = [
    ("Deployment", &["ReplicaSet"]),
    ("Rollout", &["ReplicaSet"]),
    ("CronJob", &["Job"]),
    ("DeploymentConfig", &["ReplicationController"]),
    ("Revision", &["Deployment", "ReplicaSet"]),
];

/// A gateway of the namespace.
pub struct RunningGateway {
    /// Its workload.
    pub reference: ObjectReference,
    /// What an inventory shows of it.
    pub summary: GatewaySummary,
    /// The names of the containers that authenticate.
    pub containers: Vec<String>,
    /// The name of the `ServiceAccount` of its Pods.
    pub service_account: String,
    /// That `ServiceAccount`; unknown if they cannot be read.
    pub account: Lookup<RunningAccount>,
    /// The `ConfigMap`s from which its containers take variables, and when their data was last changed.
    pub config_maps: Vec<(String, Option<Time>)>,
    /// `config.service.endpoint`, if it is known.
    pub endpoint: Option<String>,
    /// `config.service.auth.tokenAudience`, if it is set and known.
    pub token_audience: Option<String>,
    /// Its Pods that are neither being deleted nor finished; `None` if they cannot be read.
    pub pods: Option<Vec<RunningPod>>,
    pub(super) state: WorkloadState,
}

/// What a `ServiceAccount` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunningAccount {
    /// The annotation with the client id.
    pub client_id: Option<String>,
    /// The annotation with the tenant id.
    pub tenant_id: Option<String>,
    /// When a label or annotation was last changed; `None` if it is not recorded.
    pub changed: Option<Time>,
}

/// A Pod of a gateway.
pub struct RunningPod {
    /// The Pod.
    pub pod: Pod,
    /// Whether it is of the current template; `None` if that cannot be known.
    pub is_current: Option<bool>,
}

/// The fields of a workload that show the progress of its rollout.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkloadState {
    spec: WorkloadSpec,
    pub(super) status: WorkloadStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WorkloadSpec {
    replicas: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WorkloadStatus {
    pub(super) conditions: Vec<StatusCondition>,
    update_revision: Option<String>,
    current_pod_hash: Option<String>,
}

impl RunningPod {
    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.pod.metadata.name.as_deref().unwrap_or_default()
    }
}

impl RunningGateway {
    /// A gateway that was recognized in an object of the namespace.
    pub(super) fn of(
        object: &KubernetesObject<'_>,
        listed: &ListedObject,
        gateway: &Gateway<'_>,
        summary: GatewaySummary,
        running: &RunningNamespace,
    ) -> Self {
        let known = |setting| {
            let texts = gateway.authenticating().filter_map(|container| container.environment.known_text(setting));
            texts.map(str::to_owned).next()
        };
        let service_account = gateway.workload.service_account().unwrap_or(DEFAULT_SERVICE_ACCOUNT).to_owned();
        let state: WorkloadState = listed.as_type();
        Self {
            reference: object.reference.clone(),
            summary,
            containers: gateway.authenticating().map(|container| container.container.name.to_owned()).collect(),
            account: account(running, &service_account),
            service_account,
            config_maps: config_maps(gateway, running),
            endpoint: known(Setting::Endpoint),
            token_audience: known(Setting::TokenAudience).filter(|audience| !audience.trim().is_empty()),
            pods: pods(listed, &state, running),
            state,
        }
    }

    /// Whether it authenticates with workload identity, or may do so.
    pub fn may_use_workload_identity(&self) -> bool {
        !matches!(self.summary.authentication, Authentication::Key | Authentication::EntraApp)
    }

    /// Its Pods; empty if they cannot be read.
    pub(super) fn known_pods(&self) -> &[RunningPod] {
        self.pods.as_deref().unwrap_or_default()
    }

    /// The number of replicas that its workload asks for, if it has such a number.
    pub(super) fn replicas(&self) -> Option<i64> {
        self.state.spec.replicas
    }

    /// A variable that every gateway container of the newest Pod has with a known value.
    pub(super) fn injected(&self, variable: &str) -> Option<&str> {
        let created = |pod: &&RunningPod| pod.pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let newest = self.known_pods().iter().max_by_key(created)?;
        let mut containers = newest.pod.spec.containers.iter();
        let container = containers.find(|container| self.containers.contains(&container.name))?;
        let value = container.env.iter().rfind(|one| one.name == variable)?.value.as_deref();
        value.filter(|text| !text.trim().is_empty())
    }
}

fn account(running: &RunningNamespace, name: &str) -> Lookup<RunningAccount> {
    let Ok(accounts) = &running.service_accounts else { return Lookup::Unknown };
    let Some(found) = accounts.iter().find(|account| account.name() == name) else { return Lookup::Absent };
    let annotation = |key: &str| found.metadata.annotations.as_ref()?.get(key).cloned();
    Lookup::Found(RunningAccount {
        client_id: annotation(CLIENT_ID),
        tenant_id: annotation(TENANT_ID),
        changed: label_or_annotation_change(&found.metadata),
    })
}

fn config_maps(gateway: &Gateway<'_>, running: &RunningNamespace) -> Vec<(String, Option<Time>)> {
    let containers = || gateway.authenticating().map(|container| container.container);
    let whole = containers().flat_map(|container| container.env_from).filter_map(|from| from.config_map_ref.as_ref());
    let single = containers().flat_map(|container| container.env).filter_map(|variable| variable.value_from.as_ref());
    let single = single.filter_map(|from| Some(from.config_map_key_ref.as_ref()?.name.as_str()));
    let names: BTreeSet<&str> = whole.map(|reference| reference.name.as_str()).chain(single).collect();
    let existing = running.config_maps.iter().flatten().filter(|config_map| names.contains(config_map.name()));
    existing.map(|found| (found.name().to_owned(), super::change_of(&found.metadata, &["f:data"]))).collect()
}

/// The controlling owner that an object names.
fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Whether an object has no controlling owner among these.
pub(super) fn is_owned_by(metadata: &ObjectMeta, uids: &BTreeSet<&str>) -> bool {
    controller(metadata).is_some_and(|owner| uids.contains(owner.uid.as_str()))
}

fn uid(metadata: &ObjectMeta) -> &str {
    metadata.uid.as_deref().unwrap_or_default()
}

/// The Pods of a workload: its own, and those of what its controller made, such as `ReplicaSet`s and Jobs.
fn pods(workload: &ListedObject, state: &WorkloadState, running: &RunningNamespace) -> Option<Vec<RunningPod>> {
    let all = running.pods.as_ref().ok()?;
    let own = uid(&workload.metadata);
    let made_kinds = MADE_KINDS.iter().find(|(kind, _)| *kind == workload.kind).map_or(&[][..], |(_, made)| made);
    let is_unread = |list: &WorkloadList| list.objects.is_err() && made_kinds.contains(&list.resource.kind.as_ref());
    if running.workloads.iter().any(is_unread) {
        return None;
    }
    let made = made_by(own, running);
    let owners: BTreeSet<&str> = made.iter().map(|one| uid(&one.metadata)).chain([own]).collect();
    let annotation = |metadata: &ObjectMeta| metadata.annotations.as_ref()?.get(REVISION).cloned();
    let label = |metadata: &ObjectMeta, key: &str| metadata.labels.as_ref()?.get(key).cloned();
    let is_current = |metadata: &ObjectMeta| match workload.kind.as_str() {
        "Deployment" => {
            let owner = controller(metadata)?;
            let replica_set = made.iter().find(|one| uid(&one.metadata) == owner.uid)?;
            Some(annotation(&workload.metadata)? == annotation(&replica_set.metadata)?)
        }
        "StatefulSet" => Some(label(metadata, CONTROLLER_REVISION)? == *state.status.update_revision.as_ref()?),
        "DaemonSet" => {
            let generation = workload.metadata.annotations.as_ref()?.get(TEMPLATE_GENERATION)?;
            Some(label(metadata, POD_TEMPLATE_GENERATION)? == *generation)
        }
        "Rollout" => Some(label(metadata, ROLLOUT_HASH)? == *state.status.current_pod_hash.as_ref()?),
        // the template of a Job or a Revision cannot change, and a CronJob makes a new Job each time
        "CronJob" | "Job" | "Revision" | "Pod" => Some(true),
        _ => None,
    };
    let of_workload = all.iter().filter(|pod| uid(&pod.metadata) == own || is_owned_by(&pod.metadata, &owners));
    let parsed = of_workload.filter_map(|listed| {
        let pod: Pod = serde_json::from_str(&listed.json).ok()?;
        let phase = pod.status.as_ref().map(|status| status.phase.as_str()).unwrap_or_default();
        let is_over = listed.metadata.deletion_timestamp.is_some() || ["Succeeded", "Failed"].contains(&phase);
        (!is_over).then(|| RunningPod { is_current: is_current(&listed.metadata), pod })
    });
    Some(parsed.collect())
}

/// The workloads that a controller made of the workload with this uid, directly or by another one: the `ReplicaSet`s of a
/// Deployment that a Revision owns.
fn made_by<'r>(own: &'r str, running: &'r RunningNamespace) -> Vec<&'r ListedObject> {
    let mut by_owner: HashMap<&str, Vec<&ListedObject>> = HashMap::new();
    for object in running.known_workloads() {
        if let Some(owner) = controller(&object.metadata) {
            by_owner.entry(owner.uid.as_str()).or_default().push(object);
        }
    }
    let mut made: Vec<&ListedObject> = Vec::new();
    let mut owners = vec![own];
    while let Some(owner) = owners.pop() {
        // an entry is taken once, so a circle of owners ends
        let objects = by_owner.remove(owner).unwrap_or_default();
        owners.extend(objects.iter().map(|object| uid(&object.metadata)));
        made.extend(objects);
    }
    made
}
