//! Reads and writes report objects: the only object of a fixed name in each namespace, with our label.

use super::client::{post_parameters, with_timeout, with_timeout_of};
use super::objects::{ObjectResource, is_served};
use super::{Connection, NAME, ReadError, ReadResult};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Preconditions};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The page size of a list, of which only metadata is requested.
const PAGE_SIZE: u32 = 500;
/// The longest time for one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// `Report` of `OpenReports`.
pub const OPEN_REPORTS: ObjectResource = ObjectResource::of("openreports.io/v1alpha1", "Report", "reports");
/// `PolicyReport` of the Kubernetes policy working group.
pub const POLICY_REPORTS: ObjectResource =
    ObjectResource::of("wgpolicyk8s.io/v1alpha2", "PolicyReport", "policyreports");

/// The report objects of one API.
pub struct ReportStore<'c> {
    connection: &'c Connection,
    resource: ObjectResource,
    api_resource: ApiResource,
    /// Selects our reports: `KEY=VALUE`.
    selector: String,
}

impl<'c> ReportStore<'c> {
    /// The report objects with this label (`KEY=VALUE`); `None` if the API server does not serve the resource.
    ///
    /// # Errors
    /// The API server cannot be reached.
    pub async fn open(
        connection: &'c Connection,
        resource: ObjectResource,
        selector: String,
    ) -> ReadResult<Option<Self>> {
        if !is_served(connection, &resource).await? {
            return Ok(None);
        }
        let (group, version) = resource.api_version.split_once('/').unwrap_or_default();
        let api_resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: resource.api_version.to_string(),
            kind: resource.kind.to_string(),
            plural: resource.plural.to_string(),
        };
        Ok(Some(Self { connection, resource, api_resource, selector }))
    }

    /// The namespaces that have one.
    ///
    /// # Errors
    /// The permission is missing, or the API server cannot be reached.
    pub async fn namespaces(&self) -> ReadResult<BTreeSet<String>> {
        let api: Api<DynamicObject> = Api::all_with(self.connection.client.clone(), &self.api_resource);
        let mut parameters = ListParams::default().labels(&self.selector).limit(PAGE_SIZE);
        let mut namespaces = BTreeSet::new();
        loop {
            let page = with_timeout_of(PAGE_TIMEOUT, api.list_metadata(&parameters)).await;
            let page = page.map_err(|error| self.error("list", None, &error))?;
            let ours = page.items.into_iter().filter(|object| object.metadata.name.as_deref() == Some(NAME));
            namespaces.extend(ours.filter_map(|object| object.metadata.namespace));
            parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if parameters.continue_token.is_none() {
                return Ok(namespaces);
            }
        }
    }

    /// The one of a namespace, if it exists.
    ///
    /// # Errors
    /// The permission is missing, or the API server cannot be reached.
    pub async fn read(&self, namespace: &str) -> ReadResult<Option<Value>> {
        let read = with_timeout(self.api(namespace).get_opt(NAME)).await;
        let object = read.map_err(|error| self.error("get", Some(namespace), &error))?;
        Ok(object.and_then(|object| serde_json::to_value(object).ok()))
    }

    /// Creates the one of a namespace, or replaces it if `stored` was read before and nobody has changed it since. Returns
    /// whether it was written: not if the namespace is being deleted.
    ///
    /// # Errors
    /// The permission is missing, another client wrote it, or the API server cannot be reached.
    pub async fn write(&self, namespace: &str, stored: Option<&Value>, object: Value) -> ReadResult<bool> {
        let Ok(mut object) = serde_json::from_value::<DynamicObject>(object) else { return Ok(false) };
        object.metadata.resource_version = stored.and_then(|stored| text(stored, "/metadata/resourceVersion"));
        let (api, parameters) = (self.api(namespace), post_parameters());
        let (verb, written) = match stored {
            Some(_) => ("update", with_timeout(api.replace(NAME, &parameters, &object)).await),
            None => ("create", with_timeout(api.create(&parameters, &object)).await),
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(self.error(verb, Some(namespace), &error)),
        }
    }

    /// Deletes the one of a namespace if `is_ours` accepts it. Returns whether it did.
    ///
    /// # Errors
    /// The permission is missing, or the API server cannot be reached.
    pub async fn delete(&self, namespace: &str, is_ours: impl Fn(&Value) -> bool) -> ReadResult<bool> {
        let Some(stored) = self.read(namespace).await?.filter(is_ours) else { return Ok(false) };
        // not another one that was created meanwhile
        let preconditions = Preconditions {
            uid: text(&stored, "/metadata/uid"),
            resource_version: text(&stored, "/metadata/resourceVersion"),
        };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match with_timeout(self.api(namespace).delete(NAME, &parameters)).await {
            Ok(_) => Ok(true),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(self.error("delete", Some(namespace), &error)),
        }
    }

    fn api(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.connection.client.clone(), namespace, &self.api_resource)
    }

    fn error(&self, verb: &str, namespace: Option<&str>, error: &kube::Error) -> ReadError {
        let place = namespace.map(|name| format!(" in namespace {name}")).unwrap_or_default();
        let (kind, resource) = (&self.resource.kind, self.resource.name());
        let attempt = format!("{verb} {kind} {NAME}{place}");
        if let kube::Error::Api(status) = error
            && status.code == 409
        {
            let reason = "another client writes an object of this name; it must not, or delete it".to_owned();
            return ReadError { attempt, reason };
        }
        ReadError::new(self.connection, &attempt, &format!("{verb} on {resource}{place}"), error)
    }
}

fn text(object: &Value, pointer: &str) -> Option<String> {
    Some(object.pointer(pointer)?.as_str()?.to_owned())
}

/// Whether the object or its namespace is being deleted.
fn is_gone(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 404 || causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}
