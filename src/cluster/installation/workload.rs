//! The fields that are read of the webhook's own Deployment and Pods. Kubernetes' complete Pod types would be a
//! twentieth of the binary.

use k8s_openapi::api::{apps, core};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, Object};
use kube::{Api, Client};
use serde::Deserialize;

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
#[derive(Clone, Debug, Deserialize)]
pub struct PodSpec {
    /// The containers, without init containers.
    pub containers: Vec<Container>,
}

/// An element of `spec.containers`.
#[derive(Clone, Debug, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    #[serde(default)]
    pub image: String,
    /// The arguments of its command.
    #[serde(default)]
    pub args: Vec<String>,
}

/// `status` of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    /// Its containers, once it runs on a node.
    #[serde(default)]
    pub container_statuses: Vec<ContainerStatus>,
}

/// An element of `status.containerStatuses`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// How often it was restarted.
    pub restart_count: i32,
    /// Its state.
    #[serde(default)]
    pub state: ContainerState,
}

/// `state` of a container: running, terminated or waiting.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ContainerState {
    /// Set if it does not run yet.
    pub waiting: Option<Waiting>,
}

/// `waiting` of a container.
#[derive(Clone, Debug, Deserialize)]
pub struct Waiting {
    /// The kubelet's reason, one word.
    pub reason: Option<String>,
}
