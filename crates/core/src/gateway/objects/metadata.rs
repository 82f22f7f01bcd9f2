//! The metadata fields that rules read, and the controlling owner of an object.
//!
//! Other fields are skipped, above all the large `managedFields`.

use super::Kind;
use crate::gateway::json::go_json::{bounded_string_map, list, text};
use crate::gateway::well_known::StringMap;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Most owner references that are read. Only one can be the controlling owner, and a controller writes it first.
const OWNERS: usize = 64;

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
    #[serde(default, deserialize_with = "bounded_string_map")]
    pub labels: StringMap,
    /// `annotations`; empty if `null`.
    #[serde(default, deserialize_with = "bounded_string_map")]
    pub annotations: StringMap,
    /// `ownerReferences`. Any client can write them, so they prove nothing by themselves.
    #[serde(default, deserialize_with = "list::<OWNERS, _, _>")]
    pub owner_references: Vec<OwnerReference>,
    /// `deletionTimestamp`; present if the object is being deleted and only finalizers keep it. It cannot be removed.
    pub deletion_timestamp: Option<IgnoredAny>,
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

impl Metadata {
    /// The reference to the controlling owner, if there is one.
    pub(super) fn controlling_owner(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|reference| reference.controller == Some(true))
    }
}

/// The API group, kind and name of an object.
pub type ObjectIdentity = (String, String, String);

/// The identity of the object with this `apiVersion`, kind and name. `extensions` is an old name of `apps`.
pub(in crate::gateway) fn identity(api_version: &str, kind: &str, name: &str) -> ObjectIdentity {
    let group = match api_group(api_version) {
        "extensions" => "apps",
        group => group,
    };
    (group.to_owned(), kind.to_owned(), name.to_owned())
}

/// The API group in an `apiVersion`; empty for the core group.
pub(super) fn api_group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The controlling owner of an object. Any client can write an owner reference, so it proves nothing by itself.
#[derive(Clone, Copy, PartialEq)]
pub struct Owner<'a> {
    reference: &'a OwnerReference,
    kind: Option<Kind>,
}

impl<'a> Owner<'a> {
    /// The controlling owner in `metadata.ownerReferences` of an object of kind `child`; `None` if there is none, or if
    /// the controllers of its kind do not create objects of kind `child`. What the controllers of other kinds create is
    /// not known, so it can be any kind.
    pub(in crate::gateway) fn of(metadata: &'a Metadata, child: Kind) -> Option<Self> {
        let reference = metadata.controlling_owner()?;
        let kind = Kind::of(&reference.api_version, &reference.kind);
        kind.is_none_or(|kind| kind.created_kind() == Some(child)).then_some(Self { reference, kind })
    }

    /// Returns true if it is a CronJob.
    pub(in crate::gateway) fn is_cron_job(self) -> bool {
        self.kind == Some(Kind::CronJob)
    }

    /// Its API group, if it is of a kind that kube-controller-manager has no controller for.
    pub fn other_group(&self) -> Option<&'a str> {
        self.kind.is_none().then(|| api_group(&self.reference.api_version))
    }

    /// Its identity in the namespace of the object.
    pub fn identity(&self) -> ObjectIdentity {
        identity(&self.reference.api_version, &self.reference.kind, &self.reference.name)
    }

    /// Returns true if the user name `user` is the controller in kube-controller-manager that creates objects for an
    /// owner of this kind.
    ///
    /// If all controllers share one identity, it is `system:kube-controller-manager`.
    pub fn is_controller(&self, user: &str) -> bool {
        let Some(controller) = self.kind.and_then(Kind::controller_name) else { return false };
        user == "system:kube-controller-manager"
            || user.strip_prefix("system:serviceaccount:kube-system:") == Some(controller)
    }
}
