//! An image whose name tells no version that can be relied on.

use crate::gateway::ImageVersion;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// An image of an unknown version.
pub(super) static RULE: Rule = Rule {
    id: "unverifiable-version",
    page: include_str!("../../../docs/rules/unverifiable-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    input.image_problems(&ImageVersion::Unverifiable, |version| {
        format!(
            "{version} tells no version; name a static one, {minimum} or newer, or have the policy vouch for the digest"
        )
    })
}
