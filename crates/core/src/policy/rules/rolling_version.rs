//! A gateway image with a rolling tag: each release moves the tag to another version.

use crate::gateway::ImageVersion;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// The gateway's image has a rolling tag, or none.
pub(super) static RULE: Rule = Rule {
    id: "rolling-version",
    page: include_str!("../../../../../docs/rules/rolling-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    input.image_problems(&ImageVersion::Rolling, |version, container| {
        format!(
            "Use a static tag, {minimum} or newer, in container \"{container}\": \
             {version} refers to another version after each release"
        )
    })
}
