//! An image of a version that is not released.

use crate::gateway::ImageVersion;
use crate::policy::{Mode, Problem, Rule, RuleInput};

/// A pre-release.
pub(super) static RULE: Rule = Rule {
    id: "preview-version",
    page: include_str!("../../../docs/rules/preview-version.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let minimum = &input.expectations.minimum_version;
    input.image_problems(&ImageVersion::Preview, |version| {
        format!("{version} is a pre-release, which support leaves out; name a released version, {minimum} or newer")
    })
}
