//! A label or annotation of azure-workload-identity, and its location.

use super::RuleInput;
use crate::gateway::well_known::StringMap;
use crate::gateway::{IdentityKey, KeyMatch, Kind};
use jsonptr::PointerBuf;

/// A label or annotation key of azure-workload-identity on the object, known or misspelled.
#[derive(Clone)]
pub struct IdentityKeyAt<'a> {
    /// JSON pointer to its value.
    pub at: PointerBuf,
    /// The object and the map that have it.
    pub location: KeyLocation,
    /// The key, as written.
    pub key: &'a str,
    /// Its value.
    pub value: &'a str,
    /// The key of azure-workload-identity that it is, or that it misspells.
    pub key_match: KeyMatch,
}

/// The labels or annotations that a key is in, and the object that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// The annotations of a workload other than a Pod.
    ObjectAnnotations,
    /// The labels of a workload other than a Pod.
    ObjectLabels,
    /// The annotations of a Pod or a pod template.
    PodAnnotations,
    /// The labels of a Pod or a pod template.
    PodLabels,
    /// The annotations of a Service, which azure-workload-identity does not read.
    ServiceAnnotations,
    /// The labels of a Service, which azure-workload-identity does not read.
    ServiceLabels,
    /// The annotations of a `ServiceAccount`.
    ServiceAccountAnnotations,
    /// The labels of a `ServiceAccount`.
    ServiceAccountLabels,
}

impl KeyLocation {
    /// The labels or annotations, for a message.
    pub fn described(self) -> &'static str {
        match self {
            Self::ObjectAnnotations => "the annotations of the workload",
            Self::ObjectLabels => "the labels of the workload",
            Self::PodAnnotations => "the annotations of the pod template",
            Self::PodLabels => "the labels of the pod template",
            Self::ServiceAnnotations => "the annotations of the Service",
            Self::ServiceLabels => "the labels of the Service",
            Self::ServiceAccountAnnotations => "the annotations of the ServiceAccount",
            Self::ServiceAccountLabels => "the labels of the ServiceAccount",
        }
    }
}

impl<'a> RuleInput<'a> {
    /// Every key of azure-workload-identity on the object: an authenticating workload, a Service or a `ServiceAccount`.
    pub fn identity_keys(&self) -> Vec<IdentityKeyAt<'a>> {
        self.identity_keys.clone()
    }

    /// Collects [`identity_keys`](Self::identity_keys), once for all rules.
    pub(super) fn find_identity_keys(&self) -> Vec<IdentityKeyAt<'a>> {
        let mut identity_keys = Vec::new();
        let mut take = |keys, location, at: PointerBuf| identity_keys.extend(identity_keys_in(keys, location, &at));
        if let Some(workload) = self.authenticating_gateway().map(|gateway| gateway.workload) {
            if workload.kind != Kind::Pod {
                take(&workload.metadata.labels, KeyLocation::ObjectLabels, pointer("labels"));
                take(&workload.metadata.annotations, KeyLocation::ObjectAnnotations, pointer("annotations"));
            }
            take(workload.template_labels(), KeyLocation::PodLabels, workload.pointer_to(["metadata", "labels"]));
            take(
                workload.template_annotations(),
                KeyLocation::PodAnnotations,
                workload.pointer_to(["metadata", "annotations"]),
            );
        }
        if let Some(service) = self.service() {
            take(&service.metadata.labels, KeyLocation::ServiceLabels, pointer("labels"));
            take(&service.metadata.annotations, KeyLocation::ServiceAnnotations, pointer("annotations"));
        }
        if let Some(account) = self.service_account() {
            take(&account.metadata.labels, KeyLocation::ServiceAccountLabels, pointer("labels"));
            take(&account.metadata.annotations, KeyLocation::ServiceAccountAnnotations, pointer("annotations"));
        }
        identity_keys
    }

    /// The key `key` at `location`, spelled exactly.
    pub fn identity_key(&self, location: KeyLocation, key: IdentityKey) -> Option<IdentityKeyAt<'a>> {
        let mut keys = self.identity_keys.iter();
        keys.find(|identity_key| identity_key.location == location && identity_key.key_match == KeyMatch::Known(key))
            .cloned()
    }
}

fn identity_keys_in<'k>(keys: &'k StringMap, location: KeyLocation, at: &PointerBuf) -> Vec<IdentityKeyAt<'k>> {
    let identity_key = |(key, value): (&'k String, &'k String)| {
        let key_match = IdentityKey::classify(key)?;
        Some(IdentityKeyAt { at: at.with_trailing_token(key.as_str()), location, key, value, key_match })
    };
    keys.iter().filter_map(identity_key).collect()
}

fn pointer(keys: &str) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", keys])
}
