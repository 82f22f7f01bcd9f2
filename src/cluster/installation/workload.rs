//! What is read of the webhook's own Deployment and Pods. Kubernetes' whole types of a Pod would be a twentieth of the
//! binary, for these few fields.

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
    /// What its Pods are made after.
    pub template: PodTemplate,
}

/// `template` of a Deployment.
#[derive(Clone, Debug, Deserialize)]
pub struct PodTemplate {
    /// Labels of its Pods, above all.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What runs.
    pub spec: PodSpec,
}

/// `status` of a Deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// Replicas that are ready; the API server leaves out a zero.
    #[serde(default)]
    pub ready_replicas: i32,
}

/// `spec` of a Pod.
#[derive(Clone, Debug, Deserialize)]
pub struct PodSpec {
    /// Containers, without those of the start.
    pub containers: Vec<Container>,
}

/// A container as it is to run.
#[derive(Clone, Debug, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    #[serde(default)]
    pub image: String,
    /// Arguments of its command.
    #[serde(default)]
    pub args: Vec<String>,
}

/// `status` of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    /// Its containers, once a node has taken it.
    #[serde(default)]
    pub container_statuses: Vec<ContainerStatus>,
}

/// A container as it runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// How often it began again.
    pub restart_count: i32,
    /// What it does.
    #[serde(default)]
    pub state: ContainerState,
}

/// `state` of a container: running, ended or waiting.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ContainerState {
    /// Why it doesn't run yet, if it waits.
    pub waiting: Option<Waiting>,
}

/// `waiting` of a container.
#[derive(Clone, Debug, Deserialize)]
pub struct Waiting {
    /// One word, as the kubelet has it.
    pub reason: Option<String>,
}
