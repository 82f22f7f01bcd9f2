//! A token life that azure-workload-identity refuses.

use crate::gateway::{IdentityKey, ReadKey};
use crate::policy::{KeyLocation, Mode, Problem, Rule, RuleInput};
use std::ops::RangeInclusive;

/// A token life that is refused.
pub(super) static RULE: Rule = Rule {
    id: "token-expiration-out-of-range",
    page: include_str!("../../../docs/rules/token-expiration-out-of-range.md"),
    mode: Mode::Enforce,
    check,
};

/// Seconds that a token may live (azure-workload-identity, pkg/webhook/consts.go).
const SECONDS: RangeInclusive<i64> = 3600..=86_400;

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let is_read = |location| matches!(location, KeyLocation::PodAnnotations | KeyLocation::ServiceAccountAnnotations);
    let lives = input
        .identity_keys()
        .into_iter()
        .filter(|identity_key| identity_key.read == ReadKey::Known(IdentityKey::TokenExpiration));
    let refused = lives.filter(|identity_key| {
        // azure-workload-identity takes an empty one for none
        let is_told = is_read(identity_key.location) && !identity_key.value.is_empty();
        is_told && !identity_key.value.parse().is_ok_and(|seconds: i64| SECONDS.contains(&seconds))
    });
    let message = "the life of the token is no number of seconds from 3600 to 86400, so every Pod is refused; correct or remove it";
    refused.map(|identity_key| Problem::new(identity_key.at, message)).collect()
}
