//! A token expiration that azure-workload-identity rejects.

use crate::gateway::{IdentityKey, KeyMatch};
use crate::policy::{Edit, IdentityKeyAt, KeyLocation, Mode, Problem, Rule, RuleInput};
use std::ops::RangeInclusive;

/// The annotation `service-account-token-expiration` is not a number of seconds that azure-workload-identity accepts.
pub(super) static RULE: Rule = Rule {
    id: "token-expiration-out-of-range",
    page: include_str!("../../../../../docs/rules/token-expiration-out-of-range.md"),
    mode: Mode::Enforce,
    check,
};

/// Accepted token expiration in seconds (azure-workload-identity, pkg/webhook/consts.go).
const SECONDS: RangeInclusive<i64> = 3600..=86_400;

/// The longest number of seconds that is read: that of an `i64`, with its sign.
const BYTES: usize = 20;

fn is_in_range(text: &str) -> bool {
    text.len() <= BYTES && text.parse().is_ok_and(|seconds: i64| SECONDS.contains(&seconds))
}

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let is_read = |location| matches!(location, KeyLocation::PodAnnotations | KeyLocation::ServiceAccountAnnotations);
    let annotations = input
        .identity_keys()
        .into_iter()
        .filter(|identity_key| identity_key.key_match == KeyMatch::Known(IdentityKey::TokenExpiration));
    let out_of_range = annotations.filter(|identity_key| {
        // azure-workload-identity treats an empty value as absent
        let has_effect = is_read(identity_key.location) && !identity_key.value.is_empty();
        has_effect && !is_in_range(identity_key.value)
    });
    let problem = |identity_key: IdentityKeyAt<'_>| {
        let (key, location) = (identity_key.key, identity_key.location.described());
        let message = format!(
            "Set {key} in {location} to a number of seconds from 3600 to 86400, or remove it: \
             with any other value every Pod is rejected"
        );
        Problem::new(identity_key.at.clone(), message).with_unsafe_fix([Edit::Remove { at: identity_key.at }])
    };
    out_of_range.map(problem).collect()
}
