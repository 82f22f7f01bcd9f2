//! What a namespace holds and what runs there: its objects, Pods and logs, and a token of a `ServiceAccount`. Read once
//! by `verify`, as far as the permissions allow.

mod listed;
mod log;
mod token;

pub use listed::ListedObject;
pub use log::{PodLog, read_log};
pub use token::{ServiceAccountToken, TokenClaims, TokenResponse, request_token};

use super::installation::{api_server, configurations, get, read_policy};
use super::{ApiServer, Connection, ReadError, ReadResult, WebhookConfiguration, issuer};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::{apps, batch, core};
use listed::{list, namespace_requested};

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
    /// Its workloads of Kubernetes' own kinds, without `ReplicaSet`s and Pods: one list a kind.
    pub workloads: Vec<ReadResult<Vec<ListedObject>>>,
    /// Its `ReplicaSet`s.
    pub replica_sets: ReadResult<Vec<ListedObject>>,
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
        let (namespace, config_maps, service_accounts, replica_sets, pods) = tokio::join!(
            namespace(connection, name),
            list::<core::v1::ConfigMap>(connection, name),
            list::<core::v1::ServiceAccount>(connection, name),
            list::<apps::v1::ReplicaSet>(connection, name),
            list::<core::v1::Pod>(connection, name),
        );
        let (deployments, stateful_sets, daemon_sets, cron_jobs, jobs) = tokio::join!(
            list::<apps::v1::Deployment>(connection, name),
            list::<apps::v1::StatefulSet>(connection, name),
            list::<apps::v1::DaemonSet>(connection, name),
            list::<batch::v1::CronJob>(connection, name),
            list::<batch::v1::Job>(connection, name),
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
            workloads: vec![deployments, stateful_sets, daemon_sets, cron_jobs, jobs],
            replica_sets,
            pods,
            mutating,
            policy,
            server,
            issuer,
        })
    }
}

async fn namespace(connection: &Connection, name: &str) -> ReadResult<Option<ListedObject>> {
    let (api, resource) = namespace_requested(connection);
    let requested = resource.requested(connection, None);
    Ok(get(api, requested, name).await?.map(|object| ListedObject::of(object, &resource)))
}
