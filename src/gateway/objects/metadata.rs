//! The part of an object's metadata that rules read. Everything else, `managedFields` above all, is skipped unread.

use super::Kind;
use crate::gateway::json::go_json::{list, nullable, text};
use crate::gateway::well_known::Keys;
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

/// The controlling owner of an object. Anybody can write an owner reference, so it proves nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Kind of the owner.
    pub kind: Kind,
    /// Name of the owner, in the object's own namespace.
    pub name: String,
}

impl Owner {
    /// The controlling owner that `metadata` names, if it is of a kind that makes objects of kind `made`.
    pub(in crate::gateway) fn of(metadata: &Metadata, made: Kind) -> Option<Self> {
        let reference = metadata.owner_references.iter().find(|reference| reference.controller == Some(true))?;
        let kind = Kind::of(&reference.api_version, &reference.kind)?;
        (kind.makes() == Some(made)).then(|| Self { kind, name: reference.name.clone() })
    }

    /// Is `user` the controller of kube-controller-manager that makes what this kind owns?
    ///
    /// Where controllers share one identity it is `system:kube-controller-manager`.
    pub fn is_controller(&self, user: &str) -> bool {
        user == "system:kube-controller-manager"
            || user
                .strip_prefix("system:serviceaccount:kube-system:")
                .is_some_and(|name| self.kind.controller() == Some(name))
    }
}
