//! A label or annotation that has to do with workload identity, and where it stands.

use super::Case;
use crate::gateway::well_known::Keys;
use crate::gateway::{IdentityKey, Kind, ReadKey};
use jsonptr::PointerBuf;

/// A key of workload identity on the subject, known or misspelt.
#[derive(Clone)]
pub struct PlacedKey<'a> {
    /// Where it stands.
    pub at: PointerBuf,
    /// What holds it.
    pub holder: Holder,
    /// The key as written.
    pub key: &'a str,
    /// Its value.
    pub value: &'a str,
    /// How it is read.
    pub read: ReadKey,
}

/// What holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
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

impl<'a> Case<'a> {
    /// Every key of workload identity on the subject: a workload that signs in, a Service or a `ServiceAccount`.
    pub fn identity_keys(&self) -> Vec<PlacedKey<'a>> {
        self.identity_keys.clone()
    }

    /// The same, looked for: once for all rules.
    pub(super) fn find_identity_keys(&self) -> Vec<PlacedKey<'a>> {
        let mut placed = Vec::new();
        let mut take = |keys, holder, at: PointerBuf| placed.extend(placed_keys(keys, holder, &at));
        if let Some(workload) = self.gateway_that_signs_in().map(|gateway| gateway.workload) {
            if workload.kind != Kind::Pod {
                take(&workload.metadata.labels, Holder::ObjectLabels, pointer("labels"));
                take(&workload.metadata.annotations, Holder::ObjectAnnotations, pointer("annotations"));
            }
            take(workload.template_labels(), Holder::PodLabels, workload.place(["metadata", "labels"]));
            take(workload.template_annotations(), Holder::PodAnnotations, workload.place(["metadata", "annotations"]));
        }
        if let Some(service) = self.service() {
            take(&service.metadata.labels, Holder::ServiceLabels, pointer("labels"));
            take(&service.metadata.annotations, Holder::ServiceAnnotations, pointer("annotations"));
        }
        if let Some(account) = self.service_account() {
            take(&account.metadata.labels, Holder::ServiceAccountLabels, pointer("labels"));
            take(&account.metadata.annotations, Holder::ServiceAccountAnnotations, pointer("annotations"));
        }
        placed
    }

    /// The known key of this sort in this holder.
    pub fn identity_key(&self, holder: Holder, key: IdentityKey) -> Option<PlacedKey<'a>> {
        let mut keys = self.identity_keys.iter();
        keys.find(|placed| placed.holder == holder && placed.read == ReadKey::Known(key)).cloned()
    }
}

fn placed_keys<'k>(keys: &'k Keys, holder: Holder, at: &PointerBuf) -> Vec<PlacedKey<'k>> {
    let placed = |(key, value): (&'k String, &'k String)| {
        let read = IdentityKey::read(key)?;
        Some(PlacedKey { at: at.with_trailing_token(key.as_str()), holder, key, value, read })
    };
    keys.iter().filter_map(placed).collect()
}

fn pointer(keys: &str) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", keys])
}
