//! The part of an object's metadata that rules read. Everything else, `managedFields` above all, is skipped unread.

use super::reading::{list, nullable, text};
use super::well_known::Keys;
use serde::Deserialize;

/// Name, namespace, labels, annotations and owners of an object or a pod template.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Absent when the API server is to generate one.
    pub name: Option<String>,
    /// What a generated name begins with.
    pub generate_name: Option<String>,
    /// Absent where the namespace is told elsewhere: in a review's request, or on the command line.
    pub namespace: Option<String>,
    /// Labels; `null` is none.
    #[serde(default, deserialize_with = "nullable")]
    pub labels: Keys,
    /// Annotations; `null` is none.
    #[serde(default, deserialize_with = "nullable")]
    pub annotations: Keys,
    /// Owner references, which anybody can write.
    #[serde(default, deserialize_with = "list")]
    pub owner_references: Vec<OwnerReference>,
}

/// What rules read of an owner reference.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerReference {
    /// `apiVersion` of the owner.
    #[serde(deserialize_with = "text")]
    pub api_version: String,
    /// Kind of the owner.
    #[serde(deserialize_with = "text")]
    pub kind: String,
    /// Name of the owner.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// Is it the one that manages the object?
    pub controller: Option<bool>,
}
