//! What a cluster contains of an apim-keyless installation. Read once, as far as the permissions allow.

mod api_server;
mod dry_run;
mod label_selector;
mod webhook_configuration;
mod workload;

pub use api_server::{ApiServer, Clock, issuer};
pub use dry_run::{DryRunResponse, dry_run_create};
pub use label_selector::selects;
pub use webhook_configuration::WebhookConfiguration;
pub use workload::{Container, ContainerStatus, Deployment, Pod, ProjectedToken, StatusCondition, Waiting};

use super::client::with_timeout;
use super::{Connection, ReadError, ReadResult};
pub(super) use api_server::{api_server, send};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use workload::{deployments, pods};

/// The name of every object that the chart creates, except the webhook configurations and the Secret.
pub const NAME: &str = "apim-keyless";

/// The `ConfigMap` with the policy document that the chart renders.
pub const POLICY_CONFIG_MAP: &str = "apim-keyless-policy";

/// The key of the policy document in that `ConfigMap`.
pub const POLICY_KEY: &str = "policy.yaml";

/// The names of an installation's objects.
#[derive(Clone, Debug)]
pub struct InstallationNames {
    /// Its namespace.
    pub namespace: String,
    /// The name of its webhook configurations.
    pub configurations: String,
    /// The Secret with its CAs.
    pub secret: String,
}

/// An installation and what it depends on, as read from the cluster.
pub struct Installation {
    /// All mutating webhook configurations of the cluster.
    pub mutating: ReadResult<Vec<WebhookConfiguration>>,
    /// All validating webhook configurations of the cluster.
    pub validating: ReadResult<Vec<WebhookConfiguration>>,
    /// The Services of its namespace.
    pub services: ReadResult<Vec<Service>>,
    /// The certificates of its CAs as PEM text, if the Secret exists. Never a key.
    pub cas: ReadResult<Option<String>>,
    /// Its Deployment, if it exists.
    pub deployment: ReadResult<Option<Deployment>>,
    /// Its Pods.
    pub pods: ReadResult<Vec<Pod>>,
    /// The `PodDisruptionBudget`s of its namespace.
    pub disruption_budgets: ReadResult<Vec<PodDisruptionBudget>>,
    /// The text of its policy document, if there is one.
    pub policy: ReadResult<Option<String>>,
    /// The metadata of every Namespace of the cluster.
    pub namespaces: ReadResult<Vec<ObjectMeta>>,
    /// The API server.
    pub server: ReadResult<ApiServer>,
    /// The issuer of `ServiceAccount` tokens.
    pub issuer: ReadResult<String>,
}

impl Installation {
    /// Reads everything. What cannot be read is an error in its own field.
    ///
    /// # Errors
    /// The API server cannot be reached, rejects the credentials, or does not answer like an API server.
    pub async fn read(connection: &Connection, names: &InstallationNames) -> Result<Self, ReadError> {
        let client = &connection.client;
        let server = api_server(connection).await?;
        let in_own_namespace = |what, resource| {
            let namespace = Some(names.namespace.as_str());
            Requested { connection, what, resource, namespace }
        };
        let own = ListParams::default().labels(&format!("app.kubernetes.io/name={NAME}"));
        let all = ListParams::default();
        let (mutating, validating, services, cas, deployment) = tokio::join!(
            configurations::<MutatingWebhookConfiguration>(connection, "mutating"),
            configurations::<ValidatingWebhookConfiguration>(connection, "validating"),
            list(all_in(client, names), in_own_namespace("the webhook's Service", "services"), &all),
            cas(connection, names),
            get(
                deployments(client, &names.namespace),
                in_own_namespace("the webhook's Deployment", "deployments"),
                NAME
            ),
        );
        let (pods, disruption_budgets, policy, namespaces, issuer) = tokio::join!(
            list(pods(client, &names.namespace), in_own_namespace("the webhook's Pods", "pods"), &own),
            list(
                all_in(client, names),
                in_own_namespace("the webhook's PodDisruptionBudget", "poddisruptionbudgets"),
                &all
            ),
            read_policy(connection, &names.namespace),
            namespaces(connection),
            issuer(connection),
        );
        Ok(Self {
            mutating,
            validating,
            services,
            cas,
            deployment,
            pods,
            disruption_budgets,
            policy,
            namespaces,
            server,
            issuer,
        })
    }
}

/// A resource to read.
pub(super) struct Requested<'a> {
    pub(super) connection: &'a Connection,
    pub(super) what: &'a str,
    pub(super) resource: &'a str,
    pub(super) namespace: Option<&'a str>,
}

impl Requested<'_> {
    pub(super) fn error(&self, verb: &str, error: &kube::Error) -> ReadError {
        let place = self.namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        ReadError::new(
            self.connection,
            &format!("read {}", self.what),
            &format!("{verb} on {}{place}", self.resource),
            error,
        )
    }
}

fn all_of<K: Resource<DynamicType = ()>>(client: &Client) -> Api<K> {
    Api::all(client.clone())
}

fn all_in<K>(client: &Client, names: &InstallationNames) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), &names.namespace)
}

async fn list<K>(api: Api<K>, requested: Requested<'_>, parameters: &ListParams) -> ReadResult<Vec<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    let listed = with_timeout(api.list(parameters)).await;
    listed.map(|list| list.items).map_err(|error| requested.error("list", &error))
}

pub(super) async fn get<K>(api: Api<K>, requested: Requested<'_>, name: &str) -> ReadResult<Option<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    with_timeout(api.get_opt(name)).await.map_err(|error| requested.error("get", &error))
}

/// All webhook configurations of one kind.
pub(super) async fn configurations<K>(connection: &Connection, which: &str) -> ReadResult<Vec<WebhookConfiguration>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    WebhookConfiguration: From<K>,
{
    let (what, resource) = (format!("the {which} webhooks"), format!("{which}webhookconfigurations"));
    let requested = Requested { connection, what: &what, resource: &resource, namespace: None };
    let listed = list(all_of::<K>(&connection.client), requested, &ListParams::default()).await?;
    Ok(listed.into_iter().map(WebhookConfiguration::from).collect())
}

/// The text of the policy document of the installation in this namespace, if there is one.
///
/// # Errors
/// The permission is missing, or the API server cannot be reached.
pub async fn read_policy(connection: &Connection, namespace: &str) -> ReadResult<Option<String>> {
    let resource = format!("configmaps {POLICY_CONFIG_MAP}");
    let requested =
        Requested { connection, what: "the policy document", resource: &resource, namespace: Some(namespace) };
    let config_maps = Api::<ConfigMap>::namespaced(connection.client.clone(), namespace);
    let config_map = get(config_maps, requested, POLICY_CONFIG_MAP).await?;
    Ok(config_map.and_then(|config_map| config_map.data?.remove(POLICY_KEY)))
}

async fn namespaces(connection: &Connection) -> ReadResult<Vec<ObjectMeta>> {
    let requested = Requested { connection, what: "the Namespaces", resource: "namespaces", namespace: None };
    let api = all_of::<Namespace>(&connection.client);
    let listed = with_timeout(api.list_metadata(&ListParams::default())).await;
    listed
        .map(|list| list.items.into_iter().map(|namespace| namespace.metadata).collect())
        .map_err(|error| requested.error("list", &error))
}

/// The certificates in the Secret. Its keys are dropped as soon as the Secret is read.
async fn cas(connection: &Connection, names: &InstallationNames) -> ReadResult<Option<String>> {
    let resource = format!("secrets {} in namespace {}", names.secret, names.namespace);
    let read = with_timeout(all_in::<Secret>(&connection.client, names).get_opt(&names.secret)).await;
    let permission = format!("get on {resource}");
    let secret = read.map_err(|error| ReadError::new(connection, "read the webhook's CAs", &permission, &error))?;
    Ok(secret.map(|secret| {
        let certificates =
            secret.data.unwrap_or_default().into_iter().filter(|(key, _)| key.strip_suffix(".crt").is_some());
        certificates.map(|(_, ByteString(text))| String::from_utf8_lossy(&text).into_owned()).collect()
    }))
}
