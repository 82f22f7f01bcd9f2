//! Lists whole objects: the rules read more fields than any type of ours has.

use crate::cluster::client::with_timeout;
use crate::cluster::installation::Requested;
use crate::cluster::{Connection, ReadResult};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, TypeMeta};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

/// Objects per page of a list.
const PAGE: u32 = 500;

/// An object with all its fields.
#[derive(Clone)]
pub struct ListedObject {
    /// Its kind.
    pub kind: String,
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The whole object as JSON.
    pub json: String,
}

impl ListedObject {
    pub(super) fn of(mut object: DynamicObject, resource: &ListedResource) -> Self {
        // the items of a list have neither
        let ApiResource { api_version, kind, .. } = &resource.0;
        object.types = Some(TypeMeta { api_version: api_version.clone(), kind: kind.clone() });
        let json = serde_json::to_string(&object).unwrap_or_default();
        Self { kind: kind.clone(), metadata: object.metadata, json }
    }

    /// Its fields as another type; the default if they do not fit it.
    pub fn as_type<T: DeserializeOwned + Default>(&self) -> T {
        serde_json::from_str(&self.json).unwrap_or_default()
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}

/// A resource of Kubernetes.
pub(super) struct ListedResource(ApiResource);

impl ListedResource {
    pub(super) fn requested<'a>(&'a self, connection: &'a Connection, namespace: Option<&'a str>) -> Requested<'a> {
        Requested { connection, what: &self.0.plural, resource: &self.0.plural, namespace }
    }
}

/// The API of Namespaces.
pub(super) fn namespace_requested(connection: &Connection) -> (Api<DynamicObject>, ListedResource) {
    let resource = ApiResource::erase::<core::v1::Namespace>(&());
    (Api::all_with(connection.client.clone(), &resource), ListedResource(resource))
}

/// All objects of a kind in a namespace, page by page.
pub(super) async fn list<K>(connection: &Connection, namespace: &str) -> ReadResult<Vec<ListedObject>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let resource = ListedResource(ApiResource::erase::<K>(&()));
    let api: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), namespace, &resource.0);
    let mut parameters = ListParams::default().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = with_timeout(api.list(&parameters)).await;
        let page = page.map_err(|error| resource.requested(connection, Some(namespace)).error("list", &error))?;
        all.extend(page.items.into_iter().map(|object| ListedObject::of(object, &resource)));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(all),
        }
    }
}
