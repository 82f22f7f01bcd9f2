//! The fields that are read of the webhook's own Deployment, and of Pods. Kubernetes' complete Pod types would be a
//! twentieth of the binary.

use k8s_openapi::api::{apps, core};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::core::{ApiResource, Object};
use kube::{Api, Client};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fmt;

/// A Deployment (apps/v1).
pub type Deployment = Object<DeploymentSpec, DeploymentStatus>;

/// A Pod (v1).
pub type Pod = Object<PodSpec, PodStatus>;

/// The Deployments of a namespace.
pub(super) fn deployments(client: &Client, namespace: &str) -> Api<Deployment> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<apps::v1::Deployment>(&()))
}

/// The Pods of a namespace.
pub(super) fn pods(client: &Client, namespace: &str) -> Api<Pod> {
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<core::v1::Pod>(&()))
}

/// `spec` of a Deployment.
#[derive(Clone, Debug, Deserialize)]
pub struct DeploymentSpec {
    /// The template of its Pods.
    pub template: PodTemplate,
}

/// `template` of a Deployment.
#[derive(Clone, Debug, Deserialize)]
pub struct PodTemplate {
    /// The metadata of its Pods, mainly for the labels.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The specification of its Pods.
    pub spec: PodSpec,
}

/// `status` of a Deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// The number of ready replicas. The API server omits a zero.
    #[serde(default)]
    pub ready_replicas: i32,
}

/// `spec` of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// The containers, without init containers.
    pub containers: Vec<Container>,
    /// The init containers.
    pub init_containers: Vec<Container>,
    /// The volumes.
    pub volumes: Vec<PodVolume>,
    /// The name of its `ServiceAccount`, which the API server fills in.
    pub service_account_name: String,
}

/// An element of `spec.containers`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The arguments of its command.
    pub args: Vec<String>,
    /// Its environment variables.
    pub env: Vec<ContainerVariable>,
    /// The volumes that are mounted into it.
    pub volume_mounts: Vec<ContainerMount>,
}

/// An element of `env`.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerVariable {
    /// Its name.
    pub name: String,
    /// Its value; the API server drops an empty one.
    pub value: Option<String>,
    /// Set if the value comes from elsewhere.
    pub value_from: Option<IgnoredAny>,
}

impl fmt::Debug for ContainerVariable {
    /// Without the value, which may be a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ContainerVariable").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An element of `volumeMounts`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerMount {
    /// The name of the volume.
    pub name: String,
    /// The path in the container.
    pub mount_path: String,
}

/// An element of `spec.volumes`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodVolume {
    /// Its name.
    pub name: String,
    /// Several sources in one directory.
    pub projected: Option<ProjectedVolume>,
}

/// `projected` of a volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProjectedVolume {
    /// Its sources.
    pub sources: Vec<ProjectedVolumeSource>,
}

/// An element of `projected.sources`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectedVolumeSource {
    /// A token of the Pod's `ServiceAccount`.
    pub service_account_token: Option<ProjectedToken>,
}

/// A projected token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectedToken {
    /// Who accepts it; the API server if absent.
    pub audience: Option<String>,
    /// Its lifetime in seconds. The API server fills in 3600.
    pub expiration_seconds: Option<i64>,
    /// The file in the volume.
    pub path: String,
}

/// `status` of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Its conditions, such as `Ready`.
    pub conditions: Vec<StatusCondition>,
    /// Its containers, once it runs on a node.
    pub container_statuses: Vec<ContainerStatus>,
    /// Its init containers, once it runs on a node.
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// An element of `status.conditions` of a Pod or a workload.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatusCondition {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, one word.
    pub reason: Option<String>,
    /// Why, for people.
    pub message: Option<String>,
}

/// An element of `status.containerStatuses`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// How often it was restarted.
    pub restart_count: i32,
    /// Its state.
    pub state: ContainerState,
    /// Its state before the last restart.
    pub last_state: ContainerState,
    /// The name of the image that runs, as the container runtime reports it.
    pub image: String,
    /// The id of the image that runs, mostly with its digest.
    #[serde(rename = "imageID")]
    pub image_id: String,
}

/// `state` of a container: running, terminated or waiting.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Set while it runs.
    pub running: Option<Running>,
    /// Set after it has ended.
    pub terminated: Option<Terminated>,
    /// Set if it does not run yet.
    pub waiting: Option<Waiting>,
}

/// `running` of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Running {
    /// When it started.
    pub started_at: Option<Time>,
}

/// `terminated` of a container. Its message is not read: the program itself writes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Terminated {
    /// The exit code of the program.
    pub exit_code: i32,
    /// The kubelet's reason, one word.
    pub reason: Option<String>,
}

/// `waiting` of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// The kubelet's reason, one word.
    pub reason: Option<String>,
    /// The kubelet's message.
    pub message: Option<String>,
}
