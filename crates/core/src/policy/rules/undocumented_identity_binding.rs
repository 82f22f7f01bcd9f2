//! Warns about a gateway that uses an identity binding of AKS.

use crate::gateway::{IdentityKey, KeyMatch};
use crate::policy::{IdentityKeyAt, KeyLocation, Mode, Problem, Rule, RuleInput};

/// The rule `undocumented-identity-binding`.
pub(super) static RULE: Rule = Rule {
    id: "undocumented-identity-binding",
    page: include_str!("../../../../../docs/rules/undocumented-identity-binding.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let has_effect = |key: &IdentityKeyAt<'_>| {
        key.key_match == KeyMatch::Known(IdentityKey::UseCustomEndpoint)
            && key.location == KeyLocation::PodAnnotations
            && key.value.eq_ignore_ascii_case("true")
    };
    let problem = |key: IdentityKeyAt<'_>| {
        let message = format!(
            "Remove annotation {} from the pod template, or test the gateway with it: the token then has another \
             audience, and Microsoft does not document whether the gateway supports it",
            key.key
        );
        Problem::new(key.at, message)
    };
    input.identity_keys().into_iter().filter(has_effect).map(problem).collect()
}
