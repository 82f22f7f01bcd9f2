//! What a namespace holds and what runs there: its objects, Pods and logs, and a token of a `ServiceAccount`. Read once
//! by `verify`, as far as the permissions allow.

mod listed;
mod log;
mod token;

pub use listed::ListedObject;
pub use log::{PodLog, read_log};
pub use token::{ServiceAccountToken, TokenClaims, TokenResponse, request_token};

use super::installation::{api_server, configurations, read_policy};
use super::objects::{CONFIG_MAPS, NAMESPACES, ObjectResource, PODS, SERVICE_ACCOUNTS, WORKLOADS};
use super::{ApiServer, Connection, ReadError, ReadResult, WebhookConfiguration, issuer};
use futures::future::join_all;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use listed::{get, list};

/// The workloads of one kind.
pub struct WorkloadList {
    /// The resource.
    pub resource: &'static ObjectResource,
    /// Its objects in the namespace.
    pub objects: ReadResult<Vec<ListedObject>>,
}

/// A namespace as read from a cluster.
pub struct RunningNamespace {
    /// Its name.
    pub name: String,
    /// The Namespace; `None` if it does not exist.
    pub namespace: ReadResult<Option<ListedObject>>,
    /// Its `ConfigMap`s.
    pub config_maps: ReadResult<Vec<ListedObject>>,
    /// Its `ServiceAccount`s.
    pub service_accounts: ReadResult<Vec<ListedObject>>,
    /// Its workloads, without Pods: one list a kind.
    pub workloads: Vec<WorkloadList>,
    /// Its Pods.
    pub pods: ReadResult<Vec<ListedObject>>,
    /// All mutating webhook configurations of the cluster.
    pub mutating: ReadResult<Vec<WebhookConfiguration>>,
    /// The text of the installed policy document, if there is one.
    pub policy: ReadResult<Option<String>>,
    /// The API server.
    pub server: ReadResult<ApiServer>,
    /// The issuer of `ServiceAccount` tokens.
    pub issuer: ReadResult<String>,
}

impl RunningNamespace {
    /// Reads everything, and the policy document of an installation in `installed_in`. What cannot be read is an error
    /// in its own field.
    ///
    /// # Errors
    /// The API server cannot be reached, rejects the credentials, or does not answer like an API server.
    pub async fn read(connection: &Connection, name: &str, installed_in: &str) -> Result<Self, ReadError> {
        let server = api_server(connection).await?;
        let (namespace, config_maps, service_accounts) = tokio::join!(
            get(connection, &NAMESPACES, name),
            list(connection, &CONFIG_MAPS, name),
            list(connection, &SERVICE_ACCOUNTS, name),
        );
        let with_pods = WORKLOADS.iter().filter(|resource| has_pods(resource));
        let (workloads, pods) = tokio::join!(
            join_all(
                with_pods
                    .map(async |resource| WorkloadList { resource, objects: list(connection, resource, name).await })
            ),
            list(connection, &PODS, name),
        );
        let (mutating, policy, issuer) = tokio::join!(
            configurations::<MutatingWebhookConfiguration>(connection, "mutating"),
            read_policy(connection, installed_in),
            issuer(connection),
        );
        Ok(Self {
            name: name.to_owned(),
            namespace,
            config_maps,
            service_accounts,
            workloads,
            pods,
            mutating,
            policy,
            server,
            issuer,
        })
    }

    /// The workloads that could be read.
    pub fn known_workloads(&self) -> impl Iterator<Item = &ListedObject> {
        self.workloads.iter().flat_map(|list| &list.objects).flatten()
    }

    /// Why workloads could not be read.
    pub fn workload_errors(&self) -> impl Iterator<Item = &ReadError> {
        self.workloads.iter().filter_map(|list| list.objects.as_ref().err())
    }
}

/// Whether Pods come from a workload. A `PodTemplate` is only a template, and the Pods of a Knative Service are those of its
/// Revisions, which are listed, too.
fn has_pods(resource: &ObjectResource) -> bool {
    !matches!(resource.kind.as_ref(), "PodTemplate" | "Service")
}
