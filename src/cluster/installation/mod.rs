//! What stands in a cluster of an installation of ours: read once, as much of it as can be read.

mod api_server;
mod dry_run;
mod label_selector;
mod webhook_configuration;
mod workload;

pub use api_server::{ApiServer, Clock};
pub use dry_run::{DryRunResponse, create_dry};
pub use label_selector::selects;
pub use webhook_configuration::WebhookConfiguration;
pub use workload::{ContainerStatus, Deployment, Pod};

use super::client::within_time;
use super::{ReadError, Reading};
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

/// The name of everything that the chart makes, webhook configurations and Secret aside.
pub const NAME: &str = "apim-keyless";

/// Where an installation is looked for.
#[derive(Clone, Debug)]
pub struct InstallationNames {
    /// Its namespace.
    pub namespace: String,
    /// The name of its webhook configurations.
    pub configurations: String,
    /// The Secret with its CAs.
    pub secret: String,
}

/// What was read of an installation and of what it depends on.
pub struct Installation {
    /// Every mutating webhook configuration of the cluster.
    pub mutating: Reading<Vec<WebhookConfiguration>>,
    /// Every validating one.
    pub validating: Reading<Vec<WebhookConfiguration>>,
    /// The Services of its namespace.
    pub services: Reading<Vec<Service>>,
    /// The certificates of its CAs as PEM text, if there is a Secret; never a key.
    pub cas: Reading<Option<String>>,
    /// Its Deployment, if there is one.
    pub deployment: Reading<Option<Deployment>>,
    /// Its Pods.
    pub pods: Reading<Vec<Pod>>,
    /// The `PodDisruptionBudget`s of its namespace.
    pub disruption_budgets: Reading<Vec<PodDisruptionBudget>>,
    /// What is known of each Namespace of the cluster by its metadata.
    pub namespaces: Reading<Vec<ObjectMeta>>,
    /// The API server.
    pub server: Reading<ApiServer>,
    /// The issuer of the tokens of `ServiceAccount`s.
    pub issuer: Reading<String>,
}

impl Installation {
    /// Reads everything. What can't be read is told where it would stand.
    ///
    /// # Errors
    /// The API server doesn't answer at all.
    pub async fn read(client: &Client, names: &InstallationNames) -> Result<Self, ReadError> {
        let server = api_server(client).await?;
        let here = |what, resource| Requested { what, resource, namespace: Some(names.namespace.as_str()) };
        let of_ours = ListParams::default().labels(&format!("app.kubernetes.io/name={NAME}"));
        let every = ListParams::default();
        let (mutating, validating, services, cas, deployment) = tokio::join!(
            configurations::<MutatingWebhookConfiguration>(client, "mutating"),
            configurations::<ValidatingWebhookConfiguration>(client, "validating"),
            list(all_in(client, names), here("the webhook's Service", "services"), &every),
            cas(client, names),
            get(deployments(client, &names.namespace), here("the webhook's Deployment", "deployments"), NAME),
        );
        let (pods, disruption_budgets, namespaces, issuer) = tokio::join!(
            list(pods(client, &names.namespace), here("the webhook's Pods", "pods"), &of_ours),
            list(all_in(client, names), here("the webhook's PodDisruptionBudget", "poddisruptionbudgets"), &every),
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

/// What is read, and where.
struct Requested<'a> {
    what: &'a str,
    resource: &'a str,
    namespace: Option<&'a str>,
}

impl Requested<'_> {
    fn unread(&self, verb: &str, error: &kube::Error) -> ReadError {
        let place = self.namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        ReadError::because(self.what, &format!("{verb} on {}{place}", self.resource), error)
    }
}

fn every_of<K: Resource<DynamicType = ()>>(client: &Client) -> Api<K> {
    Api::all(client.clone())
}

fn all_in<K>(client: &Client, names: &InstallationNames) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), &names.namespace)
}

async fn list<K>(api: Api<K>, kind: Requested<'_>, parameters: &ListParams) -> Reading<Vec<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    let listed = within_time(api.list(parameters)).await;
    listed.map(|list| list.items).map_err(|error| kind.unread("list", &error))
}

async fn get<K>(api: Api<K>, kind: Requested<'_>, name: &str) -> Reading<Option<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    within_time(api.get_opt(name)).await.map_err(|error| kind.unread("get", &error))
}

/// Every webhook configuration of one kind.
async fn configurations<K>(client: &Client, which: &str) -> Reading<Vec<WebhookConfiguration>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    WebhookConfiguration: From<K>,
{
    let (what, resource) = (format!("the {which} webhooks"), format!("{which}webhookconfigurations"));
    let kind = Requested { what: &what, resource: &resource, namespace: None };
    let listed = list(every_of::<K>(client), kind, &ListParams::default()).await?;
    Ok(listed.into_iter().map(WebhookConfiguration::from).collect())
}

async fn namespaces(client: &Client) -> Reading<Vec<ObjectMeta>> {
    let kind = Requested { what: "the Namespaces", resource: "namespaces", namespace: None };
    let api = every_of::<Namespace>(client);
    let listed = within_time(api.list_metadata(&ListParams::default())).await;
    listed
        .map(|list| list.items.into_iter().map(|namespace| namespace.metadata).collect())
        .map_err(|error| kind.unread("list", &error))
}

/// The certificates of the Secret; its keys are dropped as soon as they are read.
async fn cas(client: &Client, names: &InstallationNames) -> Reading<Option<String>> {
    let resource = format!("secrets {} in namespace {}", names.secret, names.namespace);
    let read = within_time(all_in::<Secret>(client, names).get_opt(&names.secret)).await;
    let secret =
        read.map_err(|error| ReadError::because("the webhook's CAs", &format!("get on {resource}"), &error))?;
    Ok(secret.map(|secret| {
        let certificates =
            secret.data.unwrap_or_default().into_iter().filter(|(key, _)| key.strip_suffix(".crt").is_some());
        certificates.map(|(_, ByteString(text))| String::from_utf8_lossy(&text).into_owned()).collect()
    }))
}
