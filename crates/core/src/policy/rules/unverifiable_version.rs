//! A gateway image whose name shows no version that can be verified.

use crate::gateway::ImageVersion;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The version of the gateway's image is unknown.
pub(super) static RULE: Rule = Rule {
    id: "unverifiable-version",
    page: include_str!("../../../../../docs/rules/unverifiable-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    input.image_problems(&ImageVersion::Unverifiable, |version, container| {
        format!(
            "Use a static tag, {minimum} or newer, in container \"{container}\", or add the digest or repository to \
             the policy: the version of {version} cannot be verified"
        )
    })
}
