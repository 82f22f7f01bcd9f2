//! A token life that azure-workload-identity refuses.

use crate::gateway::{IdentityKey, ReadKey};
use crate::policy::{Case, Finding, Holder, Mode, Rule};
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

fn check(case: &Case<'_>) -> Vec<Finding> {
    let is_read = |holder| matches!(holder, Holder::PodAnnotations | Holder::ServiceAccountAnnotations);
    let lives =
        case.identity_keys().into_iter().filter(|placed| placed.read == ReadKey::Known(IdentityKey::TokenExpiration));
    let refused = lives.filter(|placed| {
        // azure-workload-identity takes an empty one for none
        let is_told = is_read(placed.holder) && !placed.value.is_empty();
        is_told && !placed.value.parse().is_ok_and(|seconds: i64| SECONDS.contains(&seconds))
    });
    let problem = "the life of the token is no number of seconds from 3600 to 86400, so every Pod is refused; correct or remove it";
    refused.map(|placed| Finding::new(placed.at, problem)).collect()
}
