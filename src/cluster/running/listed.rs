//! Reads whole objects: `verify` reads more fields than the rules do.

use crate::cluster::objects::{ObjectResource, get_item, is_served, list_items};
use crate::cluster::{Connection, ReadResult};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::time::Duration;

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

/// The part of an object that every kind has.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WithMetadata {
    metadata: ObjectMeta,
}

impl ListedObject {
    fn of(item: &RawValue, resource: &ObjectResource) -> Option<Self> {
        let json = resource.typed(item)?.to_string();
        let WithMetadata { metadata } = serde_json::from_str(&json).ok()?;
        Some(Self { kind: resource.kind.to_string(), metadata, json })
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

/// All objects of a resource in a namespace; none if the API server does not serve the resource.
pub(super) async fn list(
    connection: &Connection,
    resource: &ObjectResource,
    namespace: &str,
) -> ReadResult<Vec<ListedObject>> {
    if !resource.is_of_kubernetes() && !is_served(connection, resource).await? {
        return Ok(Vec::new());
    }
    let listed =
        list_items(connection, resource, Some(namespace), Duration::ZERO, |listed: &mut Vec<ListedObject>, item| {
            listed.extend(ListedObject::of(item, resource));
        });
    Ok(listed.await?.unwrap_or_default())
}

/// One object that has no namespace.
pub(super) async fn get(
    connection: &Connection,
    resource: &ObjectResource,
    name: &str,
) -> ReadResult<Option<ListedObject>> {
    let item = get_item(connection, resource, None, name).await?;
    Ok(item.and_then(|item| ListedObject::of(&item, resource)))
}
