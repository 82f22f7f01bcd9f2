//! What a cluster contains of an apim-keyless installation. Read once, as far as the permissions allow.

mod api_server;
mod dry_run;
mod label_selector;
mod webhook_configuration;
mod workload;

pub use api_server::{ApiServer, Clock};
pub use dry_run::{DryRunResponse, dry_run_create};
pub use label_selector::selects;
pub use webhook_configuration::WebhookConfiguration;
pub use workload::{ContainerStatus, Deployment, Pod};

use super::client::with_timeout;
use super::{ReadError, ReadResult};
use api_server::{api_server, issuer};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use workload::{deployments, pods};

/// The name of every object that the chart creates, except the webhook configurations and the Secret.
pub const NAME: &str = "apim-keyless";

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
    /// The API server does not answer.
    pub async fn read(client: &Client, names: &InstallationNames) -> Result<Self, ReadError> {
        let server = api_server(client).await?;
        let in_own_namespace = |what, resource| Requested { what, resource, namespace: Some(names.namespace.as_str()) };
        let own = ListParams::default().labels(&format!("app.kubernetes.io/name={NAME}"));
        let all = ListParams::default();
        let (mutating, validating, services, cas, deployment) = tokio::join!(
            configurations::<MutatingWebhookConfiguration>(client, "mutating"),
            configurations::<ValidatingWebhookConfiguration>(client, "validating"),
            list(all_in(client, names), in_own_namespace("the webhook's Service", "services"), &all),
            cas(client, names),
            get(
                deployments(client, &names.namespace),
                in_own_namespace("the webhook's Deployment", "deployments"),
                NAME
            ),
        );
        let (pods, disruption_budgets, namespaces, issuer) = tokio::join!(
            list(pods(client, &names.namespace), in_own_namespace("the webhook's Pods", "pods"), &own),
            list(
                all_in(client, names),
                in_own_namespace("the webhook's PodDisruptionBudget", "poddisruptionbudgets"),
                &all
            ),
            namespaces(client),
            issuer(client),
        );
        Ok(Self {
            mutating,
            validating,
            services,
            cas,
            deployment,
            pods,
            disruption_budgets,
            namespaces,
            server,
            issuer,
        })
    }
}

/// A resource to read.
struct Requested<'a> {
    what: &'a str,
    resource: &'a str,
    namespace: Option<&'a str>,
}

impl Requested<'_> {
    fn error(&self, verb: &str, error: &kube::Error) -> ReadError {
        let place = self.namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        ReadError::new(&format!("read {}", self.what), &format!("{verb} on {}{place}", self.resource), error)
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

async fn get<K>(api: Api<K>, requested: Requested<'_>, name: &str) -> ReadResult<Option<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    with_timeout(api.get_opt(name)).await.map_err(|error| requested.error("get", &error))
}

/// All webhook configurations of one kind.
async fn configurations<K>(client: &Client, which: &str) -> ReadResult<Vec<WebhookConfiguration>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    WebhookConfiguration: From<K>,
{
    let (what, resource) = (format!("the {which} webhooks"), format!("{which}webhookconfigurations"));
    let requested = Requested { what: &what, resource: &resource, namespace: None };
    let listed = list(all_of::<K>(client), requested, &ListParams::default()).await?;
    Ok(listed.into_iter().map(WebhookConfiguration::from).collect())
}

async fn namespaces(client: &Client) -> ReadResult<Vec<ObjectMeta>> {
    let requested = Requested { what: "the Namespaces", resource: "namespaces", namespace: None };
    let api = all_of::<Namespace>(client);
    let listed = with_timeout(api.list_metadata(&ListParams::default())).await;
    listed
        .map(|list| list.items.into_iter().map(|namespace| namespace.metadata).collect())
        .map_err(|error| requested.error("list", &error))
}

/// The certificates in the Secret. Its keys are dropped as soon as the Secret is read.
async fn cas(client: &Client, names: &InstallationNames) -> ReadResult<Option<String>> {
    let resource = format!("secrets {} in namespace {}", names.secret, names.namespace);
    let read = with_timeout(all_in::<Secret>(client, names).get_opt(&names.secret)).await;
    let secret =
        read.map_err(|error| ReadError::new("read the webhook's CAs", &format!("get on {resource}"), &error))?;
    Ok(secret.map(|secret| {
        let certificates =
            secret.data.unwrap_or_default().into_iter().filter(|(key, _)| key.strip_suffix(".crt").is_some());
        certificates.map(|(_, ByteString(text))| String::from_utf8_lossy(&text).into_owned()).collect()
    }))
}
