//! A label or annotation that has to do with workload identity, and where it stands.

use super::RuleInput;
use crate::gateway::well_known::Keys;
use crate::gateway::{IdentityKey, Kind, ReadKey};
use jsonptr::PointerBuf;

/// A key of workload identity on the subject, known or misspelt.
#[derive(Clone)]
pub struct IdentityKeyAt<'a> {
    /// Where it stands.
    pub at: PointerBuf,
    /// What holds it.
    pub location: KeyLocation,
    /// The key as written.
    pub key: &'a str,
    /// Its value.
    pub value: &'a str,
    /// How it is read.
    pub read: ReadKey,
}

/// What holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// The annotations of a workload that is no Pod.
    ObjectAnnotations,
    /// The labels of a workload that is no Pod.
    ObjectLabels,
    /// The annotations of Pods, or of a template of such.
    PodAnnotations,
    /// The labels of Pods, or of a template of such.
    PodLabels,
    /// The annotations of a Service, where nothing is read.
    ServiceAnnotations,
    /// The labels of a Service, where nothing is read either.
    ServiceLabels,
    /// The annotations of a `ServiceAccount`.
    ServiceAccountAnnotations,
    /// The labels of a `ServiceAccount`.
    ServiceAccountLabels,
}

impl<'a> RuleInput<'a> {
    /// Every key of workload identity on the subject: a workload that signs in, a Service or a `ServiceAccount`.
    pub fn identity_keys(&self) -> Vec<IdentityKeyAt<'a>> {
        self.identity_keys.clone()
    }

    /// The same, looked for: once for all rules.
    pub(super) fn find_identity_keys(&self) -> Vec<IdentityKeyAt<'a>> {
        let mut identity_key = Vec::new();
        let mut take = |keys, location, at: PointerBuf| identity_key.extend(identity_keys_in(keys, location, &at));
        if let Some(workload) = self.authenticating_gateway().map(|gateway| gateway.workload) {
            if workload.kind != Kind::Pod {
                take(&workload.metadata.labels, KeyLocation::ObjectLabels, pointer("labels"));
                take(&workload.metadata.annotations, KeyLocation::ObjectAnnotations, pointer("annotations"));
            }
            take(workload.template_labels(), KeyLocation::PodLabels, workload.place(["metadata", "labels"]));
            take(
                workload.template_annotations(),
                KeyLocation::PodAnnotations,
                workload.place(["metadata", "annotations"]),
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
        identity_key
    }

    /// The known key of this sort in this holder.
    pub fn identity_key(&self, location: KeyLocation, key: IdentityKey) -> Option<IdentityKeyAt<'a>> {
        let mut keys = self.identity_keys.iter();
        keys.find(|identity_key| identity_key.location == location && identity_key.read == ReadKey::Known(key)).cloned()
    }
}

fn identity_keys_in<'k>(keys: &'k Keys, location: KeyLocation, at: &PointerBuf) -> Vec<IdentityKeyAt<'k>> {
    let identity_key = |(key, value): (&'k String, &'k String)| {
        let read = IdentityKey::read(key)?;
        Some(IdentityKeyAt { at: at.with_trailing_token(key.as_str()), location, key, value, read })
    };
    keys.iter().filter_map(identity_key).collect()
}

fn pointer(keys: &str) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", keys])
}
