//! A key of workload identity where nobody reads it.

use crate::gateway::{IdentityKey, ReadKey, well_known::USE};
use crate::policy::{Case, Finding, Holder, Mode, PlacedKey, Rule};

/// A key of workload identity in the wrong place.
pub(super) static RULE: Rule = Rule {
    id: "misplaced-identity-setting",
    page: include_str!("../../../docs/rules/misplaced-identity-setting.md"),
    mode: Mode::Audit,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let has_pod_label = match case.service() {
        Some(service) => !case.surroundings.selects_gateway_without(service, USE),
        None => case.identity_key(Holder::PodLabels, IdentityKey::Use).is_some(),
    };
    case.identity_keys().into_iter().filter_map(|placed| finding(placed, has_pod_label)).collect()
}

fn finding(placed: PlacedKey<'_>, has_pod_label: bool) -> Option<Finding> {
    let ReadKey::Known(key) = placed.read else { return None };
    // a label on every object of a release is no mistake as long as the Pods have it
    let is_label = matches!(placed.holder, Holder::ObjectLabels | Holder::ServiceLabels);
    let is_copy = key == IdentityKey::Use && is_label && has_pod_label;
    let (homes, home) = homes(key);
    let problem = format!("{} is not read here; move it to {home}", placed.key);
    (!is_copy && !homes.contains(&placed.holder)).then(|| Finding::new(placed.at, problem))
}

/// Where a key counts, and in words (azure-workload-identity, pkg/webhook/webhook.go).
fn homes(key: IdentityKey) -> (&'static [Holder], &'static str) {
    match key {
        IdentityKey::ClientId | IdentityKey::TenantId => {
            (&[Holder::ServiceAccountAnnotations], "the annotations of the ServiceAccount")
        }
        IdentityKey::TokenExpiration => (
            &[Holder::PodAnnotations, Holder::ServiceAccountAnnotations],
            "the annotations of the pod template or of the ServiceAccount",
        ),
        IdentityKey::Use => (&[Holder::PodLabels, Holder::ServiceAccountLabels], "the labels of the pod template"),
        IdentityKey::InjectProxySidecar
        | IdentityKey::ProxySidecarPort
        | IdentityKey::SkipContainers
        | IdentityKey::UseCustomEndpoint => (&[Holder::PodAnnotations], "the annotations of the pod template"),
    }
}
