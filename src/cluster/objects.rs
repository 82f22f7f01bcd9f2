//! Lists the objects of a cluster that rules evaluate, page by page.

use super::client::with_timeout_of;
use super::{Connection, ReadError, ReadResult};
use apim_keyless_core::gateway::{KubernetesObject, ObjectReference, ShapeError, remove_unread};
use futures::AsyncReadExt;
use kube::api::{GetParams, ListParams};
use kube::core::request::{Error as RequestError, Request};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::Duration;
use tokio::time::sleep;

/// The longest time for one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The page size for most kinds: what kubectl uses.
const PAGE_SIZE: u32 = 500;
/// The page size for `ConfigMap`s: each can have 1 MiB, and a whole page is in memory at once.
const CONFIG_MAP_PAGE_SIZE: u32 = 50;
/// The longest page that is read, in bytes, because a whole page is in memory at once. A longer one is requested again with
/// half as many objects.
const PAGE_BYTES: usize = 16 * 1024 * 1024;
/// How often a list starts again because its next page has expired.
const RESTARTS: usize = 2;

/// A resource whose objects are listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectResource {
    /// `apiVersion` of its objects.
    pub api_version: Cow<'static, str>,
    /// Kind of its objects.
    pub kind: Cow<'static, str>,
    /// Its name in URLs.
    pub plural: Cow<'static, str>,
}

impl ObjectResource {
    /// A resource by its `apiVersion`, kind and plural.
    pub const fn of(api_version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { api_version: Cow::Borrowed(api_version), kind: Cow::Borrowed(kind), plural: Cow::Borrowed(plural) }
    }

    /// Whether every API server has it.
    pub fn is_of_kubernetes(&self) -> bool {
        ["v1", "apps/v1", "batch/v1"].contains(&self.api_version.as_ref())
    }

    /// Its name as RBAC errors and kubectl write it: `deployments.apps`.
    pub fn name(&self) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.to_string(),
        }
    }

    /// The URL path of its objects, in one namespace or in all.
    fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let namespace = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
        format!("{root}/{}{namespace}/{}", self.api_version, self.plural)
    }

    /// An item of a list with its `apiVersion` and `kind`, which it does not say itself. `None` if it is not a JSON object,
    /// which an API server does not write.
    pub(super) fn typed(&self, item: &RawValue) -> Option<Value> {
        let mut members: Map<String, Value> = serde_json::from_str(item.get()).ok()?;
        members.insert("apiVersion".to_owned(), self.api_version.as_ref().into());
        members.insert("kind".to_owned(), self.kind.as_ref().into());
        Some(Value::Object(members))
    }

    fn page_size(&self) -> u32 {
        if self.kind == "ConfigMap" { CONFIG_MAP_PAGE_SIZE } else { PAGE_SIZE }
    }
}

pub(super) static NAMESPACES: ObjectResource = ObjectResource::of("v1", "Namespace", "namespaces");
pub(super) static CONFIG_MAPS: ObjectResource = ObjectResource::of("v1", "ConfigMap", "configmaps");
pub(super) static SERVICE_ACCOUNTS: ObjectResource = ObjectResource::of("v1", "ServiceAccount", "serviceaccounts");

pub(super) static PODS: ObjectResource = ObjectResource::of("v1", "Pod", "pods");

/// Every resource with a pod template that is read. Owners come before what their controllers make. Those of other
/// projects are read where the API server serves them: Argo Rollouts, `OpenKruise`, `OpenShift` and Knative.
pub(super) static WORKLOADS: [ObjectResource; 15] = [
    ObjectResource::of("apps/v1", "Deployment", "deployments"),
    ObjectResource::of("apps/v1", "StatefulSet", "statefulsets"),
    ObjectResource::of("apps/v1", "DaemonSet", "daemonsets"),
    ObjectResource::of("batch/v1", "CronJob", "cronjobs"),
    ObjectResource::of("v1", "PodTemplate", "podtemplates"),
    ObjectResource::of("argoproj.io/v1alpha1", "Rollout", "rollouts"),
    ObjectResource::of("apps.kruise.io/v1alpha1", "CloneSet", "clonesets"),
    ObjectResource::of("apps.kruise.io/v1beta1", "StatefulSet", "statefulsets"),
    ObjectResource::of("apps.kruise.io/v1alpha1", "DaemonSet", "daemonsets"),
    ObjectResource::of("apps.openshift.io/v1", "DeploymentConfig", "deploymentconfigs"),
    ObjectResource::of("serving.knative.dev/v1", "Service", "services"),
    ObjectResource::of("serving.knative.dev/v1", "Revision", "revisions"),
    ObjectResource::of("batch/v1", "Job", "jobs"),
    ObjectResource::of("apps/v1", "ReplicaSet", "replicasets"),
    ObjectResource::of("v1", "ReplicationController", "replicationcontrollers"),
];

/// A page of a list. Its items carry neither `apiVersion` nor `kind`.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// The objects of a list.
#[derive(Default)]
pub struct ListedObjects {
    /// How many there are.
    pub count: usize,
    /// Those that are kept.
    pub objects: Vec<KubernetesObject<'static>>,
    /// Those that cannot be read.
    pub malformed: Vec<MalformedObject>,
}

/// An object that does not have the shape of its kind.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedObject {
    /// The object.
    pub object: ObjectReference,
    /// Where and why it cannot be read.
    pub error: ShapeError,
}

/// Lists the objects of a resource, in one namespace or in all, and keeps those that rules evaluate and for which `keep`
/// returns true for the object and its value. `None`: the API server does not serve the resource. `pause` is the time between
/// two pages.
///
/// # Errors
/// The permission is missing, or the API server cannot be reached.
pub async fn list_objects(
    connection: &Connection,
    resource: &ObjectResource,
    namespace: Option<&str>,
    pause: Duration,
    mut keep: impl FnMut(&KubernetesObject<'_>, &Value) -> bool,
) -> ReadResult<Option<ListedObjects>> {
    list_items(connection, resource, namespace, pause, |listed: &mut ListedObjects, item| {
        listed.count += 1;
        match object(resource, item, namespace) {
            Ok(Some((object, value))) if keep(&object, &value) => listed.objects.push(object),
            Ok(_) => {}
            Err(malformed) => listed.malformed.push(*malformed),
        }
    })
    .await
}

/// Lists the objects of a resource, in one namespace or in all, page by page, and collects with `add` what is kept of each.
/// `None`: the API server does not serve the resource.
///
/// If the API server ends the list before its last page, the list starts again with an empty collection. `pause` is the time
/// between two pages.
///
/// # Errors
/// The permission is missing, or the API server cannot be reached.
pub(super) async fn list_items<T: Default>(
    connection: &Connection,
    resource: &ObjectResource,
    namespace: Option<&str>,
    pause: Duration,
    mut add: impl FnMut(&mut T, &RawValue),
) -> ReadResult<Option<T>> {
    let error = |error: &kube::Error| {
        let (name, place) = (resource.name(), in_namespace(namespace));
        ReadError::new(connection, &format!("list {name}{place}"), &format!("list on {name}{place}"), error)
    };
    let request = Request::new(resource.path(namespace));
    let mut parameters = ListParams::default().limit(resource.page_size());
    let (mut collected, mut restarts) = (T::default(), 0);
    loop {
        // of a Secret, only the metadata is ever asked for
        let page = if resource.kind == "Secret" { Request::list_metadata } else { Request::list };
        let text = match send(connection, page(&request, &parameters)).await {
            Ok(Some(text)) => text,
            Ok(None) => {
                parameters.limit = Some(half(parameters.limit).ok_or_else(|| too_long(resource, namespace))?);
                continue;
            }
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
            Err(kube::Error::Api(status)) if status.code == 410 && restarts < RESTARTS => {
                (collected, restarts, parameters.continue_token) = (T::default(), restarts + 1, None);
                continue;
            }
            Err(cause) => return Err(error(&cause)),
        };
        let page: Page<'_> = serde_json::from_str(&text).map_err(|cause| error(&kube::Error::SerdeError(cause)))?;
        for item in page.items.unwrap_or_default() {
            add(&mut collected, item);
        }
        parameters.continue_token = page.metadata.next.filter(|token| !token.is_empty());
        if parameters.continue_token.is_none() {
            return Ok(Some(collected));
        }
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
}

/// Half of a page; `None` if it has a single object.
fn half(limit: Option<u32>) -> Option<u32> {
    limit.map(|limit| limit / 2).filter(|limit| *limit > 0)
}

fn too_long(resource: &ObjectResource, namespace: Option<&str>) -> ReadError {
    ReadError {
        attempt: format!("list {}{}", resource.name(), in_namespace(namespace)),
        reason: format!("one of them has more than {} MiB; remove or shorten it", PAGE_BYTES / 1024 / 1024),
    }
}

/// Whether the API server serves a resource. Without this, a user without the right to list a resource that is not there
/// would get an error: the API server looks at the rights first.
///
/// # Errors
/// The API server cannot be reached.
pub(super) async fn is_served(connection: &Connection, resource: &ObjectResource) -> ReadResult<bool> {
    let call = connection.client.list_api_group_resources(&resource.api_version);
    match with_timeout_of(PAGE_TIMEOUT, call).await {
        Ok(list) => Ok(list.resources.iter().any(|served| served.name == resource.plural)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => {
            let (attempt, permission) = (
                format!("find out whether {} is served", resource.name()),
                format!("get on /apis/{}", resource.api_version),
            );
            Err(ReadError::new(connection, &attempt, &permission, &error))
        }
    }
}

/// Reads one object. `None` if it does not exist, or if rules do not evaluate its kind.
///
/// # Errors
/// The permission is missing, the API server cannot be reached, or the object does not have the shape of its kind.
pub async fn get_object(
    connection: &Connection,
    resource: &ObjectResource,
    namespace: Option<&str>,
    name: &str,
) -> ReadResult<Option<KubernetesObject<'static>>> {
    let Some(item) = get_item(connection, resource, namespace, name).await? else { return Ok(None) };
    let read = object(resource, &item, namespace).map_err(|malformed| ReadError {
        attempt: read_attempt(resource, namespace, name),
        reason: malformed.reason(),
    })?;
    Ok(read.map(|(object, _)| object))
}

/// Reads one object as JSON. `None` if it does not exist.
///
/// # Errors
/// The permission is missing, or the API server cannot be reached.
pub(super) async fn get_item(
    connection: &Connection,
    resource: &ObjectResource,
    namespace: Option<&str>,
    name: &str,
) -> ReadResult<Option<Box<RawValue>>> {
    let error = |error: &kube::Error| {
        let permission = format!("get on {}{}", resource.name(), in_namespace(namespace));
        ReadError::new(connection, &read_attempt(resource, namespace, name), &permission, error)
    };
    let request = Request::new(resource.path(namespace)).get(name, &GetParams::default());
    let text = match send(connection, request).await {
        Ok(Some(text)) => text,
        Ok(None) => return Err(too_long(resource, namespace)),
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
        Err(cause) => return Err(error(&cause)),
    };
    serde_json::from_str(&text).map(Some).map_err(|cause| error(&kube::Error::SerdeError(cause)))
}

fn read_attempt(resource: &ObjectResource, namespace: Option<&str>, name: &str) -> String {
    format!("read {} {name}{}", resource.kind, in_namespace(namespace))
}

impl MalformedObject {
    /// The place and the cause.
    pub fn reason(&self) -> String {
        format!("{} {}", self.error.at, self.error.message)
    }
}

/// The object of an item of a list, and its value without what no rule reads.
fn object(
    resource: &ObjectResource,
    item: &RawValue,
    namespace: Option<&str>,
) -> Result<Option<(KubernetesObject<'static>, Value)>, Box<MalformedObject>> {
    let Some(mut value) = resource.typed(item) else { return Ok(None) };
    remove_unread(&mut value);
    let recognized = KubernetesObject::recognize(value.to_string(), namespace.unwrap_or_default());
    let recognized = recognized.map_err(|error| {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let object = ObjectReference {
            api_version: resource.api_version.to_string(),
            kind: resource.kind.to_string(),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
        };
        Box::new(MalformedObject { object, error })
    })?;
    Ok(recognized.map(|object| (object, value)))
}

/// The text of the response; `None` if it is longer than [`PAGE_BYTES`].
async fn send(
    connection: &Connection,
    request: Result<hyper::Request<Vec<u8>>, RequestError>,
) -> kube::Result<Option<String>> {
    let request = request.map_err(kube::Error::BuildRequest)?;
    let read = async {
        let body = connection.client.request_stream(request).await?;
        let (mut bytes, mut body) = (Vec::new(), body.take(PAGE_BYTES as u64 + 1));
        body.read_to_end(&mut bytes).await.map_err(|error| kube::Error::Service(error.into()))?;
        if bytes.len() > PAGE_BYTES {
            return Ok(None);
        }
        String::from_utf8(bytes).map(Some).map_err(kube::Error::FromUtf8)
    };
    with_timeout_of(PAGE_TIMEOUT, read).await
}

fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map(|name| format!(" in namespace {name}")).unwrap_or_default()
}
