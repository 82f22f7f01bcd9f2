//! The metadata fields that rules read, and the controlling owner of an object.
//!
//! Other fields are skipped, above all the large `managedFields`.

use super::Kind;
use crate::gateway::json::go_json::{list, string_map, text};
use crate::gateway::well_known::StringMap;
use serde::Deserialize;

/// The fields of `ObjectMeta` that rules read, of an object or of a pod template.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// `name`; absent or empty if the API server is yet to generate it.
    pub name: Option<String>,
    /// `generateName`: the prefix of a generated name.
    pub generate_name: Option<String>,
    /// `namespace`; absent if it is given elsewhere: in `request.namespace` of a review, or on the command line.
    pub namespace: Option<String>,
    /// `labels`; empty if `null`.
    #[serde(default, deserialize_with = "string_map")]
    pub labels: StringMap,
    /// `annotations`; empty if `null`.
    #[serde(default, deserialize_with = "string_map")]
    pub annotations: StringMap,
    /// `ownerReferences`. Any client can write them, so they prove nothing by themselves.
    #[serde(default, deserialize_with = "list")]
    pub owner_references: Vec<OwnerReference>,
}

/// The fields of an `OwnerReference` that rules read.
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
    /// True for the controlling owner, which manages the object.
    pub controller: Option<bool>,
}

/// The controlling owner of an object. Any client can write an owner reference, so it proves nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Kind of the owner.
    pub kind: Kind,
    /// Name of the owner, in the object's own namespace.
    pub name: String,
}

impl Owner {
    /// The controlling owner in `metadata.ownerReferences` of an object of kind `child`; `None` if there is none, or if
    /// the controllers of its kind do not create objects of kind `child`.
    pub(in crate::gateway) fn of(metadata: &Metadata, child: Kind) -> Option<Self> {
        let reference = metadata.owner_references.iter().find(|reference| reference.controller == Some(true))?;
        let kind = Kind::of(&reference.api_version, &reference.kind)?;
        (kind.created_kind() == Some(child)).then(|| Self { kind, name: reference.name.clone() })
    }

    /// Returns true if the user name `user` is the controller in kube-controller-manager that creates objects for an
    /// owner of this kind.
    ///
    /// If all controllers share one identity, it is `system:kube-controller-manager`.
    pub fn is_controller(&self, user: &str) -> bool {
        user == "system:kube-controller-manager"
            || user
                .strip_prefix("system:serviceaccount:kube-system:")
                .is_some_and(|name| self.kind.controller_name() == Some(name))
    }
}
