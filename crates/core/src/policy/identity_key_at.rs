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

/// The locations from which azure-workload-identity reads a key, and their description for messages
/// (azure-workload-identity, pkg/webhook/webhook.go).
pub(super) fn valid_locations(key: IdentityKey) -> (&'static [KeyLocation], &'static str) {
    match key {
        IdentityKey::ClientId | IdentityKey::TenantId => {
            (&[KeyLocation::ServiceAccountAnnotations], "the annotations of the ServiceAccount")
        }
        IdentityKey::TokenExpiration => (
            &[KeyLocation::PodAnnotations, KeyLocation::ServiceAccountAnnotations],
            "the annotations of the pod template or of the ServiceAccount",
        ),
        IdentityKey::Use => {
            (&[KeyLocation::PodLabels, KeyLocation::ServiceAccountLabels], "the labels of the pod template")
        }
        IdentityKey::InjectProxySidecar
        | IdentityKey::ProxySidecarPort
        | IdentityKey::SkipContainers
        | IdentityKey::UseCustomEndpoint => (&[KeyLocation::PodAnnotations], "the annotations of the pod template"),
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

/// Most keys of one map that are compared with the known ones. That takes far longer than to read a key.
const COMPARED_KEYS: usize = 16;

fn identity_keys_in<'k>(keys: &'k StringMap, location: KeyLocation, at: &PointerBuf) -> Vec<IdentityKeyAt<'k>> {
    let mut compared = 0;
    let identity_key = |(key, value): (&'k String, &'k String)| {
        let key_match = match IdentityKey::of(key) {
            Some(known) => KeyMatch::Known(known),
            None if compared < COMPARED_KEYS && IdentityKey::has_similar_prefix(key) => {
                compared += 1;
                IdentityKey::classify(key)?
            }
            None => return None,
        };
        Some(IdentityKeyAt { at: at.with_trailing_token(key.as_str()), location, key, value, key_match })
    };
    keys.iter().filter_map(identity_key).collect()
}

fn pointer(keys: &str) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", keys])
}

#[cfg(test)]
mod tests {
    use crate::gateway::{Change, KubernetesObject};
    use crate::policy::{Date, Mode, Policy};

    /// Prefixes with which azure-workload-identity's, the chart's and our keys are written or misspelled.
    const PREFIXES: [&str; 7] = [
        "azure.workload.identity/",
        "azure-workload-identity/",
        "azure.workload-identity/",
        "azure.workload.identity.io/",
        "Azure.Workload.Identity/",
        "app.kubernetes.io/",
        "apim-keyless.dev/",
    ];

    /// Names with which they are written or misspelled, and one that nothing reads.
    const NAMES: [&str; 15] = [
        "client-id",
        "clientId",
        "inject-proxy-sidecar",
        "proxy-sidecar-port",
        "skip-containers",
        "skip-container",
        "tenant-id",
        "tenantID",
        "service-account-token-expiration",
        "use",
        "Use",
        "use-identity-binding",
        "component",
        "gateway",
        "team",
    ];

    /// Values that a rule can distinguish.
    const VALUES: [&str; 4] = ["true", "9", "self-hosted-gateway", "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"];

    /// An object of `kind` with a label or an annotation, and a mark of a gateway in its template or its own labels.
    fn object(kind: &str, keys: &str, key: &str, value: &str) -> String {
        let mark = r#""apim-keyless.dev/gateway":"true""#;
        let of_keys = format!(r#"{{{mark},"{key}":"{value}"}}"#);
        let (labels, annotations) =
            if keys == "labels" { (of_keys, "{}".to_owned()) } else { (format!("{{{mark}}}"), of_keys) };
        let metadata = format!(r#""metadata":{{"name":"a","labels":{labels},"annotations":{annotations}}}"#);
        let spec =
            r#""spec":{"containers":[{"name":"a","image":"mcr.microsoft.com/azure-api-management/gateway:2.11.0"}]}"#;
        match kind {
            "Deployment" => {
                format!(r#"{{"apiVersion":"apps/v1","kind":"Deployment",{metadata},"spec":{{"template":{{{spec}}}}}}}"#)
            }
            "Pod" => format!(r#"{{"apiVersion":"v1","kind":"Pod",{metadata},{spec}}}"#),
            _ => format!(r#"{{"apiVersion":"v1","kind":"{kind}",{metadata}}}"#),
        }
    }

    /// What the rules say of the object.
    fn sentences(json: &str) -> Vec<String> {
        let object = KubernetesObject::recognize(json.to_owned(), "default").unwrap().unwrap();
        let mut evaluated = Policy::default().evaluate_all(&[object], Mode::Enforce, Date::constant(2027, 1, 1));
        evaluated.remove(0).findings.iter().map(crate::policy::Finding::sentence).collect()
    }

    #[test]
    fn an_update_of_a_key_that_a_rule_reads_is_a_change() {
        let read = |json: &str| KubernetesObject::recognize(json.to_owned(), "default").unwrap().unwrap();
        let mut read_keys = 0;
        for (kind, keys, prefix, name, value) in combinations() {
            let key = format!("{prefix}{name}");
            let (old, new) = (object(kind, keys, "team", "orders"), object(kind, keys, &key, value));
            if sentences(&old) != sentences(&new) {
                let change = Change::between(&read(&old), &read(&new));
                let touches = change.touches(jsonptr::Pointer::from_static("/metadata/labels"));
                assert!(touches, "{kind} {keys} {key}: {value}: {change:?}");
                read_keys += 1;
            }
        }
        assert!(read_keys > 200, "{read_keys}");
    }

    /// Kind, labels or annotations, prefix, name and value.
    fn combinations() -> Vec<(&'static str, &'static str, &'static str, &'static str, &'static str)> {
        let mut all = vec![("", "", "", "", "")];
        all = with(&all, &["Deployment", "Pod", "Service", "ServiceAccount"], |one, kind| one.0 = kind);
        all = with(&all, &["labels", "annotations"], |one, keys| one.1 = keys);
        all = with(&all, &PREFIXES, |one, prefix| one.2 = prefix);
        all = with(&all, &NAMES, |one, name| one.3 = name);
        with(&all, &VALUES, |one, value| one.4 = value)
    }

    /// Every element of `all` with each of `values`.
    fn with<T: Copy>(all: &[T], values: &[&'static str], set: fn(&mut T, &'static str)) -> Vec<T> {
        let each = all.iter().flat_map(|one| values.iter().map(move |value| (*one, *value)));
        each.map(|(mut one, value)| {
            set(&mut one, value);
            one
        })
        .collect()
    }
}
