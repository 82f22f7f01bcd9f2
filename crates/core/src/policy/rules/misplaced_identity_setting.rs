//! Warns about a label or annotation of azure-workload-identity in labels or annotations where it has no effect.

use crate::gateway::{IdentityKey, KeyMatch, well_known::USE};
use crate::policy::identity_key_at::valid_locations;
use crate::policy::{IdentityKeyAt, KeyLocation, Mode, Problem, Rule, RuleInput};

/// The rule `misplaced-identity-setting`.
pub(super) static RULE: Rule = Rule {
    id: "misplaced-identity-setting",
    page: include_str!("../../../../../docs/rules/misplaced-identity-setting.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let has_pod_label = match input.service() {
        Some(service) => !input.related.selects_gateway_without(service, USE),
        None => input.identity_key(KeyLocation::PodLabels, IdentityKey::Use).is_some(),
    };
    input.identity_keys().into_iter().filter_map(|identity_key| problem(identity_key, has_pod_label)).collect()
}

fn problem(identity_key: IdentityKeyAt<'_>, has_pod_label: bool) -> Option<Problem> {
    let KeyMatch::Known(key) = identity_key.key_match else { return None };
    // Common labels put the label on every object of a release. That is correct as long as the Pods have it too.
    let is_object_label = matches!(identity_key.location, KeyLocation::ObjectLabels | KeyLocation::ServiceLabels);
    let is_copy = key == IdentityKey::Use && is_object_label && has_pod_label;
    let (valid_locations, described) = valid_locations(key);
    let (key_text, here) = (identity_key.key, identity_key.location.described());
    let message = format!("Move {key_text} from {here} to {described}: azure-workload-identity reads it only there");
    (!is_copy && !valid_locations.contains(&identity_key.location)).then(|| Problem::new(identity_key.at, message))
}
